"""Colours, and choices left to chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Colour = tuple[int, int, int]
"""Red, green and blue, 0..255."""

_Choice = TypeVar("_Choice")


def pick(rng: np.random.Generator, choices: Sequence[_Choice], odds: Sequence[float] | None = None) -> _Choice:
    """One of `choices`, with the given odds (which need not sum to one) or evenly."""
    if odds is None:
        return choices[int(rng.integers(len(choices)))]
    edges = np.cumsum(odds)
    return choices[int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))]


def jitter(colour: Colour, rng: np.random.Generator, spread: int = 14) -> Colour:
    """A colour close to the given one: each channel differs by at most `spread`."""
    red, green, blue = (int(np.clip(level + rng.integers(-spread, spread + 1), 0, 255)) for level in colour)
    return red, green, blue


def darker(colour: Colour, share: float) -> Colour:
    """The colour with `share` of its light."""
    red, green, blue = (int(level * share) for level in colour)
    return red, green, blue
