"""How many scores lie at or above a threshold, counted in a stream: memory does not grow with the scores.

Thresholds are multiples of 1/32,768. That is the only rounding: how many scores reach such a threshold is exact.
"""

from __future__ import annotations

import numpy as np

from reseen.errors import FeaturesError
from reseen.shapes import Bool, Float32, Float64, Int64

STEPS = 2**15
"""Thresholds between a score of 0 and one of 1; a power of two, so that multiplying by it does not round."""
BINS = 2 * STEPS + 1
THRESHOLDS: Float64[np.ndarray, " t"] = np.arange(-STEPS, STEPS + 2) / STEPS
"""From -1 to just above 1; the last one is reached by no score."""
SLACK = 1e-3
"""How far beyond -1 and 1 rounding may take a score."""


class ScoreHistogram:
    """Counts of scores between -1 and 1.

    Attributes:
        counts: of the scores from each threshold up to the next.
    """

    def __init__(self) -> None:
        self.counts: Int64[np.ndarray, " bins"] = np.zeros(BINS, dtype=np.int64)

    def add(self, scores: Float32[np.ndarray, "*shape"], left_out: Bool[np.ndarray, "*shape"] | None = None) -> None:
        """Count scores, but for those marked in `left_out`.

        Raises:
            FeaturesError: a score is not finite, or lies beyond -1..1.
        """
        with np.errstate(invalid="ignore"):
            bins = np.floor(scores * np.float32(STEPS)).astype(np.intp)
        if left_out is not None:
            bins[left_out] = STEPS + 1
        if bins.size and not -STEPS * (1 + SLACK) <= bins.min() <= bins.max() <= STEPS * (1 + SLACK):
            raise FeaturesError(
                "a score is out of range",
                expected="finite numbers from -1 to 1",
                got=f"scores from {scores.min()} to {scores.max()}",
                cure="give cosine similarities, or re-ranked distances negated",
            )
        left = 0 if left_out is None else int(np.count_nonzero(left_out))
        np.clip(bins, -STEPS, STEPS, out=bins)
        bins += STEPS
        self.counts += np.bincount(bins.ravel(), minlength=BINS)
        self.counts[-1] -= left

    @property
    def total(self) -> int:
        """How many scores were counted."""
        return int(self.counts.sum())

    def reaching(self) -> Int64[np.ndarray, " t"]:
        """How many scores are at or above each of `THRESHOLDS`."""
        reached = np.zeros(BINS + 1, dtype=np.int64)
        reached[:-1] = np.cumsum(self.counts[::-1])[::-1]
        return reached

    def threshold(self, rate: float) -> int:
        """The lowest threshold that at most this share of the scores reaches, as a place in `THRESHOLDS`."""
        return int(np.argmax(self.reaching() <= rate * self.total))
