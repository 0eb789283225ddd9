"""Intervals for means over images, by drawing people anew: images of one person are alike, so they are drawn together.

The bootstrap over clusters: Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8. The
bounds are percentiles of the drawn means.
"""

from __future__ import annotations

import numpy as np

from reseen.evaluation.metrics import Metrics
from reseen.evaluation.protocol import RetrievalSet
from reseen.scores.interval import LEVEL, Interval
from reseen.shapes import Float64, Int64

RESAMPLES = 2000
MIN_PEOPLE = 2
"""One person drawn anew is the same person: there is nothing to learn from it."""
DRAWS_AT_ONCE = 2_000_000


def bootstrap_means(
    values: Float64[np.ndarray, "n f"], people: Int64[np.ndarray, " n"], *, resamples: int = RESAMPLES, seed: int = 0
) -> Float64[np.ndarray, "resamples f"]:
    """Means of each column over rows whose people are drawn with replacement, as many as there are.

    The same people are drawn for all columns, and for the same `people` and `seed` again: differences of columns, and
    of two calls, are paired.

    Args:
        values: any figures, one row per image.
        people: who each row is of.
        resamples: how many times to draw.
        seed: of the draws.
    """
    _, owners = np.unique(people, return_inverse=True)
    counts = np.bincount(owners).astype(np.float64)
    sums = np.stack([np.bincount(owners, column) for column in values.T], axis=1)
    draw = np.random.default_rng(seed)
    means = np.empty((resamples, values.shape[1]))
    height = max(1, DRAWS_AT_ONCE // len(counts))
    for start in range(0, resamples, height):
        rows = min(height, resamples - start)
        drawn = draw.integers(len(counts), size=(rows, len(counts)))
        places = (drawn + np.arange(rows)[:, None] * len(counts)).ravel()
        times = np.bincount(places, minlength=drawn.size).reshape(drawn.shape).astype(np.float64)
        means[start : start + rows] = (times @ sums) / (times @ counts)[:, None]
    return means


def interval(means: Float64[np.ndarray, " resamples"], level: float = LEVEL) -> Interval:
    """The bounds that leave out equal shares of the drawn means on both sides."""
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def metric_intervals(
    metrics: Metrics, retrieval: RetrievalSet, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """95 % intervals of the headline figures, by their names; none for fewer than `MIN_PEOPLE` people."""
    people = retrieval.query_persons[metrics.valid_queries]
    if len(np.unique(people)) < MIN_PEOPLE:
        return {}
    figures = metrics.per_query()
    means = bootstrap_means(np.stack([*figures.values()], axis=1), people, resamples=resamples, seed=seed)
    return {name: interval(column) for name, column in zip(figures, means.T, strict=True)}
