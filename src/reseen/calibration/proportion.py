"""Intervals for error rates whose errors come in clusters: many of one person, or of two who look alike.

The variance is the jackknife's, leaving out one person at a time (Efron and Stein, "The jackknife estimate of
variance", 1981); the interval is that of Clopper and Pearson for as many independent trials as would vary as much (Korn
and Graubard, "Confidence intervals for proportions with small expected number of positive counts estimated from survey
data", 1998).
"""

from __future__ import annotations

import numpy as np
from scipy import special

from reseen.scores.interval import LEVEL, Interval
from reseen.shapes import Float64, Int64

MIN_SOURCES = 10
"""Fewest people that the errors behind a rate may be of: a rate is not to rest on two who are alike."""
MOST_TRIALS = 1e12
"""With more the interval has no width, and its bounds are not found."""


def jackknife_variance(without: Float64[np.ndarray, "people rates"]) -> Float64[np.ndarray, " rates"]:
    """Variances of some rates, from the rates that are left without each of the people."""
    people = len(without)
    variance: Float64[np.ndarray, " rates"] = without.var(axis=0) * (people - 1)
    return variance


def rate_interval(rate: float, variance: float, people: int, level: float = LEVEL) -> Interval:
    """Interval of a rate.

    Args:
        rate: as measured, 0..1.
        variance: of it.
        people: how many it was measured on: so many trials count where nothing or everything went wrong, or all people
            are alike.
        level: how often the interval is to hold the truth.
    """
    varies = 0 < rate < 1 and variance > 0
    trials = min(max(rate * (1 - rate) / variance, 1.0), MOST_TRIALS) if varies else float(people)
    errors, tail = rate * trials, (1 - level) / 2
    low = special.betaincinv(errors, trials - errors + 1, tail) if rate > 0 else 0.0
    high = special.betaincinv(errors + 1, trials - errors, 1 - tail) if rate < 1 else 1.0
    return Interval(min(float(low), rate), max(float(high), rate))


def error_sources(errors: Int64[np.ndarray, " people"] | Float64[np.ndarray, " people"]) -> int:
    """The number of people who would vary a sum of errors as much, had each of them equally many, rounded down.

    Of errors between two people, each of both has one: two people alone are 2, and one who is mistaken for any number
    of others makes fewer than 4.

    Source: Kish, "Survey Sampling", 1965 (the effective sample size).
    """
    total, squares = float(errors.sum()), float((errors.astype(np.float64) ** 2).sum())
    return int(total**2 / squares * (1 + 1e-12)) if squares else 0
