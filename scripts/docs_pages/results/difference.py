"""Whether a small change changed anything: differences of means against the spread between seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance

from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """How far a change is from what it is compared with.

    Attributes:
        value: mean of the change less mean of the reference.
        margin: half the width of the 95 % interval; None where no row has two seeds.
    """

    value: float
    margin: float | None

    @property
    def says_something(self) -> bool:
        """Whether it is larger than chance alone would make it."""
        return self.margin is not None and abs(self.value) > self.margin


def differences(rows: Sequence[Sequence[float]]) -> list[Difference]:
    """Each row of a comparison against the first.

    Student's t with the variance between seeds pooled over all rows, which is taken to be the same in each: a few seeds
    a row could not tell it for that row alone. Every interval stands for itself, uncorrected for how many there are.

    Args:
        rows: the figure of each seed; at least one a row.
    """
    freedom = sum(len(row) - 1 for row in rows)
    pooled = sum((len(row) - 1) * variance(row) for row in rows if len(row) > 1) / freedom if freedom else None
    first = rows[0]
    return [Difference(fmean(row) - fmean(first), _margin(pooled, freedom, len(row), len(first))) for row in rows]


def _margin(pooled: float | None, freedom: int, count: int, reference: int) -> float | None:
    if pooled is None:
        return None
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))
    return quantile * sqrt(pooled * (1 / count + 1 / reference))
