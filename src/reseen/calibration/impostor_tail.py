"""How often strangers score higher than any calibrated threshold can tell: the tail of their scores, extrapolated.

Scores end at 1: nobody is more like another than an image is like itself. Near such an end the chance to score above t
falls as a power of the room that is left (the Weibull domain of extreme values),

    p(t) = rate · ((1 − t) / (1 − start)) ^ exponent        for t ≥ start,

whatever the scores do elsewhere. With the end known there is one exponent to estimate, and its maximum-likelihood
estimate is one over the mean of log((1 − start) / (1 − s)) over the scores s above `start`. On Market-1501 it rises
a little with `start`, so that what is extrapolated is rather too high than too low; docs/calibration.md shows how often
the intervals held the truth.

In a gallery of N people a stranger is named with a chance of at most N · p(t), which is what is told. The interval is
that of log(N · p(t)), normal, with the jackknife's variance over people (see `proportion`).

Sources: Hill, "A simple general approach to inference about the tail of a distribution", 1975 (the estimate);
Levina and Bickel, "Maximum likelihood estimation of intrinsic dimension", NIPS 2004 (the same of distances); Coles, "An
introduction to statistical modeling of extreme values", 2001, section 4.3 (thresholds and their excesses).
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy import special

from reseen.calibration.operating_point import Cosine
from reseen.scores.histogram import STEPS
from reseen.scores.interval import LEVEL, Interval
from reseen.shapes import Float32, Float64, Int64
from reseen.strict import Count, Rate, Strict

MIN_TAIL_ERRORS = 300
"""Fewest scores that an exponent is estimated from; of more, the tail begins where the law holds less well."""
MIN_TAIL_SOURCES = 20
"""Fewest people whom they may be of, as `error_sources` counts them."""
HIGHEST_TAIL_RATE = 0.05
"""Largest share of the scores that is still a tail."""
MOST_SPREAD = 5.0
"""An interval that reaches further than so many times the rate says nothing, and nothing is told."""

Variances = tuple[float, float, float]
"""Of log(rate), of the exponent, and their covariance."""


class ImpostorTail(Strict):
    """The chance that a stranger and one person of the gallery score high.

    Attributes:
        start: the law holds from this score on.
        rate: the chance to reach it.
        exponent: how fast the chance falls.
        errors: how many scores it was estimated from.
        people: how many people, as strangers and as gallery.
        as_strangers, as_gallery: variances, for whom the strangers were and for whom the gallery held.
    """

    start: Cosine
    rate: Annotated[Rate, Field(gt=0)]
    exponent: Annotated[float, Field(gt=0)]
    errors: Annotated[Count, Field(ge=MIN_TAIL_ERRORS)]
    people: Annotated[int, Field(ge=2)]
    as_strangers: Variances
    as_gallery: Variances

    def chance(self, threshold: float) -> float:
        """p(t), for thresholds from `start` on."""
        return self.rate * math.exp(-self.exponent * self._depth(threshold))

    def fpir(self, threshold: float, people: int) -> tuple[float, Interval]:
        """The false-positive identification rate in a gallery of so many people, at most, and its interval."""
        expected = people * self.chance(threshold)
        depth = self._depth(threshold)
        # log p = log(rate) − exponent · depth; a gallery's own luck with its people counts as in `search_tally`.
        variance = _along(self.as_strangers, depth) + (1 + self.people / people) * _along(self.as_gallery, depth)
        factor = math.exp(float(special.ndtri((1 + LEVEL) / 2)) * math.sqrt(max(variance, 0.0)))
        return min(expected, 1.0), Interval(min(expected / factor, 1.0), min(expected * factor, 1.0))

    def threshold(self, people: int, fpir: float) -> float | None:
        """The lowest threshold with this rate; None where its interval says nothing, and before the tail begins."""
        if not 0 < fpir <= people * self.rate:
            return None
        depth = math.log(people * self.rate / fpir) / self.exponent
        threshold = 1 - (1 - self.start) * math.exp(-depth)
        rate, interval = self.fpir(threshold, people)
        return threshold if interval.high <= MOST_SPREAD * rate else None

    def _depth(self, threshold: float) -> float:
        """log((1 − start) / (1 − t)), 0 at the start; a score of 1 counts as the highest step below."""
        return math.log((1 - self.start) / max(1 - threshold, 1 / STEPS))


def depths(scores: Float32[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """−log(1 − s) of each score, whose sums over people `fit_tail` takes."""
    logs: Float64[np.ndarray, " n"] = -np.log(np.maximum(1 - scores.astype(np.float64), 1 / STEPS))
    return logs


def fit_tail(
    start: float,
    pairs: tuple[Int64[np.ndarray, " people"], Int64[np.ndarray, " people"]],
    errors: tuple[Int64[np.ndarray, " people"], Int64[np.ndarray, " people"]],
    depth: tuple[Float64[np.ndarray, " people"], Float64[np.ndarray, " people"]],
    draws: int,
) -> ImpostorTail | None:
    """Estimate the law from sums over people: each time as strangers, then as gallery.

    Args:
        start: where the tail begins.
        pairs: scores of each person.
        errors: those that reach `start`.
        depth: sums of `depths` over those.
        draws: how often each pair was counted, with other images.
    """
    count = int(errors[0].sum())
    deep = [each + of * math.log(1 - start) for each, of in zip(depth, errors, strict=True)]
    total = float(deep[0].sum())
    if total <= 0:
        return None
    return ImpostorTail(
        start=start,
        rate=count / int(pairs[0].sum()),
        exponent=count / total,
        errors=count // draws,
        people=len(errors[0]),
        as_strangers=_variances(pairs[0], errors[0], deep[0]),
        as_gallery=_variances(pairs[1], errors[1], deep[1]),
    )


def _variances(
    pairs: Int64[np.ndarray, " people"], errors: Int64[np.ndarray, " people"], deep: Float64[np.ndarray, " people"]
) -> Variances:
    """The jackknife's: what both numbers are without each of the people."""
    left, rest = errors.sum() - errors, np.maximum(deep.sum() - deep, np.finfo(np.float64).tiny)
    without = np.stack([np.log(np.maximum(left, 1) / (pairs.sum() - pairs)), left / rest])
    both = np.cov(without, ddof=0) * (len(errors) - 1)
    return float(both[0, 0]), float(both[1, 1]), float(both[0, 1])


def _along(variances: Variances, depth: float) -> float:
    rate, exponent, both = variances
    return rate + depth**2 * exponent - 2 * depth * both
