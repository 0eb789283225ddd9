"""Figures as people read them: `rank-1 96.43 %` for `{"recall1": 0.96429}`. JSON has the keys and the fractions."""

from __future__ import annotations

from collections.abc import Mapping

NAMES = {"recall1": "rank-1", "recall5": "rank-5", "recall10": "rank-10", "mAP": "mAP", "mINP": "mINP"}
"""What the field calls each figure, by its key in JSON. rank-k is the cumulative match characteristic (CMC) at k."""


def percent(share: float) -> str:
    """A share from 0 to 1, such as `96.43 %`."""
    return f"{share * 100:.2f} %"


def in_words(figures: Mapping[str, float], prefix: str = "") -> str:
    """The figures that have a name in the field, in one line.

    Args:
        figures: shares from 0 to 1 by key; others are passed over.
        prefix: goes before each key, such as `people/`.
    """
    shares = {name: figures[prefix + key] for key, name in NAMES.items() if prefix + key in figures}
    return ", ".join(f"{name} {percent(share)}" for name, share in shares.items())


def name_in_words(key: str) -> str:
    """What the field calls a figure, perhaps of one dataset: `people/rank-1` for `people/recall1`."""
    dataset, slash, name = key.rpartition("/")
    return f"{dataset}{slash}{NAMES.get(name, name)}"
