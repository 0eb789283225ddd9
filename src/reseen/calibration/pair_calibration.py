"""Comparing two images: which score means the same person, and how often that is wrong.

Pairs are of images by different cameras, each pair once; where cameras are not known, of any two images.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.operating_point import OperatingPoint, ascends
from reseen.calibration.pair_counts import count_pairs, pair_blocks
from reseen.calibration.platt import Logistic, fit_logistic
from reseen.errors import FeaturesError
from reseen.scores.blocks import RowsDone
from reseen.scores.histogram import STEPS, THRESHOLDS, ScoreHistogram
from reseen.strict import Count, Strict

FALSE_MATCH_RATES = (1e-2, 1e-3, 1e-4)
FALSE_NON_MATCH_RATES = (1e-1, 1e-2, 1e-3)


class PairCalibration(Strict):
    """What the score of two images says.

    Attributes:
        genuine_pairs, impostor_pairs: how many pairs of one person, and of two, this was measured on.
        logistic: the score as a probability.
        match: operating points by rates of false matches.
        non_match: operating points by rates of false non-matches.
    """

    genuine_pairs: Count
    impostor_pairs: Count
    logistic: Logistic
    match: Annotated[tuple[OperatingPoint, ...], Field(min_length=1)]
    non_match: Annotated[tuple[OperatingPoint, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _stricter_and_stricter(self) -> PairCalibration:
        for points, direction in ((self.match, 1), (self.non_match, -1)):
            if not ascends([-point.target for point in points]):
                raise ValueError("targets that do not descend")
            thresholds = [direction * point.threshold for point in points if point.threshold is not None]
            if not ascends(thresholds, strictly=False):
                raise ValueError("thresholds in another order than their targets")
        return self


def calibrate_pairs(held: CalibrationSet, done: RowsDone | None = None) -> PairCalibration:
    """Measure all pairs of the images of held-out people.

    Args:
        held: the people.
        done: told how many images have been compared, of twice as many: all are compared twice.

    Raises:
        FeaturesError: no pair of one person, or of two, by different cameras; or the scores do not tell people apart.
    """
    genuine, impostor = ScoreHistogram(), ScoreHistogram()
    for pairs in pair_blocks(held, done, 0):
        genuine.add(pairs.scores, ~pairs.genuine)
        impostor.add(pairs.scores, ~pairs.impostor)
    _check(held, genuine, impostor)
    matches = [impostor.threshold(rate) for rate in FALSE_MATCH_RATES]
    non_matches = [_non_match_threshold(genuine, rate) for rate in FALSE_NON_MATCH_RATES]
    counts = count_pairs(held, np.unique([*matches, *non_matches]), done)
    return PairCalibration(
        genuine_pairs=genuine.total,
        impostor_pairs=impostor.total,
        logistic=fit_logistic(THRESHOLDS[:-1] + 0.5 / STEPS, genuine.counts, impostor.counts),
        match=tuple(
            counts.point(rate, place, counts.false_matches(place))
            for rate, place in zip(FALSE_MATCH_RATES, matches, strict=True)
        ),
        non_match=tuple(
            counts.point(rate, place, counts.false_non_matches(place))
            for rate, place in zip(FALSE_NON_MATCH_RATES, non_matches, strict=True)
        ),
    )


def _non_match_threshold(genuine: ScoreHistogram, rate: float) -> int:
    """The highest threshold that at most this share of the scores stays below."""
    below = genuine.total - genuine.reaching()
    return int(np.flatnonzero(below <= rate * genuine.total)[-1])


def _check(held: CalibrationSet, genuine: ScoreHistogram, impostor: ScoreHistogram) -> None:
    if not (genuine.total and impostor.total):
        raise FeaturesError(
            f"{held.name} has nothing to calibrate on",
            expected="same-person and different-person pairs, from different cameras",
            got=f"{genuine.total} same-person pairs, {impostor.total} different-person pairs",
            cure="add images by further cameras, or leave the cameras out where there is only one",
        )
