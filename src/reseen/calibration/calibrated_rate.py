"""Types of what a calibration says, so that a file that contradicts itself is not believed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from reseen.strict import Rate

Cosine = Annotated[float, Field(ge=-1, le=1)]
"""A score that can be reached."""
OUTSIDE = "a rate outside its interval"


def _within_bounds(bounded: tuple[float, float, float]) -> tuple[float, float, float]:
    rate, low, high = bounded
    if not low <= rate <= high:
        raise ValueError(OUTSIDE)
    return bounded


BoundedRate = Annotated[tuple[Rate, Rate, Rate], AfterValidator(_within_bounds)]
"""A rate, and the low and the high bound of its interval."""


def ascends(values: Sequence[float] | Sequence[int], *, strictly: bool = True) -> bool:
    """Whether every value is above the one before it, or at least not below it."""
    return all(one < other or (one == other and not strictly) for one, other in pairwise(values))
