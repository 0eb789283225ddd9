"""`OperatingPoint`: a threshold for two images."""

from __future__ import annotations

from pydantic import model_validator

from reseen.calibration.calibrated_rate import BoundedRate, Cosine
from reseen.calibration.error_sources import MIN_SOURCES
from reseen.scores.interval import MIN_ERRORS
from reseen.strict import Count, Rate, Strict


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
