"""How many people errors are of: a rate is not to rest on two who are alike, nor on one who is like everybody."""

from __future__ import annotations

import numpy as np

from reseen.shapes import Float64, Int64

MIN_SOURCES = 10
"""Fewest people that the errors behind a rate may be of."""


def error_sources(errors: Int64[np.ndarray, " people"] | Float64[np.ndarray, " people"]) -> int:
    """The number of people who would vary a sum of errors as much, had each of them equally many, rounded down.

    Of errors between two people, each of both has one: two people alone are 2, and one who is mistaken for any number
    of others makes fewer than 4.

    Source: Kish, "Survey Sampling", 1965 (the effective sample size).
    """
    total, squares = float(errors.sum()), float((errors.astype(np.float64) ** 2).sum())
    return int(total**2 / squares * (1 + 1e-12)) if squares else 0
