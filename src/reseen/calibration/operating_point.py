"""`OperatingPoint`: a threshold for two images; types that do not believe a file which contradicts itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from reseen.calibration.proportion import MIN_SOURCES
from reseen.scores.interval import MIN_ERRORS
from reseen.strict import Count, Rate, Strict

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


class OperatingPoint(Strict):
    """A threshold, and how often it is wrong.

    Attributes:
        target: the error rate asked for: of false matches, where pairs from the threshold on are called the same, or of
            false non-matches, where pairs below it are called different.
        supported: whether the pairs can tell: at least `MIN_ERRORS` errors, of at least `MIN_SOURCES` people. If they
            cannot, there is no threshold.
        threshold: the lowest (for false non-matches: the highest) that keeps the target.
        false_match_rate: measured, with the bounds of its 95 % interval.
        true_match_rate: measured, with the bounds of its 95 % interval.
        errors: pairs that this threshold gets wrong, or would, were there enough of them.
        error_sources: how many people the errors are of, as `reseen.calibration.error_sources` counts them.
    """

    target: Rate
    supported: bool
    errors: Count
    error_sources: Count = 0
    threshold: Cosine | None = None
    false_match_rate: BoundedRate | None = None
    true_match_rate: BoundedRate | None = None

    @model_validator(mode="after")
    def _support_and_threshold_together(self) -> OperatingPoint:
        told = (self.threshold, self.false_match_rate, self.true_match_rate)
        if not self.supported:
            if told != (None, None, None):
                raise ValueError("a threshold without support")
            return self
        if None in told:
            raise ValueError("support without a threshold and its rates")
        if self.errors < MIN_ERRORS or self.error_sources < MIN_SOURCES:
            raise ValueError(f"{self.errors} errors of {self.error_sources} people support no threshold")
        return self
