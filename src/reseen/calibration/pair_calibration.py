"""Comparing two images: which score means the same person, and how often that is wrong.

Pairs are of images by different cameras, each pair once; where cameras are not known, of any two images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.operating_point import OperatingPoint, ascends
from reseen.calibration.platt import Logistic, fit_logistic
from reseen.calibration.proportion import MIN_SOURCES, error_sources, jackknife_variance, rate_interval
from reseen.errors import FeaturesError
from reseen.scores.blocks import RowsDone, row_blocks
from reseen.scores.histogram import STEPS, THRESHOLDS, ScoreHistogram
from reseen.scores.interval import MIN_ERRORS
from reseen.scores.labels import UNKNOWN_CAMERA
from reseen.shapes import Bool, Float32, Float64, Int64
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


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The pairs of a block of images with those from it on.

    Attributes:
        scores: a row for each image of the block, a column for each from the block's first on.
        rows, columns: their people, numbered from 0.
        genuine, impostor: which of the pairs are of one person, and of two; each pair is marked once.
    """

    scores: Float32[np.ndarray, "r c"]
    rows: Int64[np.ndarray, " r"]
    columns: Int64[np.ndarray, " c"]
    genuine: Bool[np.ndarray, "r c"]
    impostor: Bool[np.ndarray, "r c"]


def calibrate_pairs(held: CalibrationSet, done: RowsDone | None = None) -> PairCalibration:
    """Measure all pairs of the images of held-out people.

    Args:
        held: the people.
        done: told how many images have been compared, of twice as many: all are compared twice.

    Raises:
        FeaturesError: no pair of one person, or of two, by different cameras; or the scores do not tell people apart.
    """
    genuine, impostor = ScoreHistogram(), ScoreHistogram()
    for pairs in _blocks(held, done, 0):
        genuine.add(pairs.scores, ~pairs.genuine)
        impostor.add(pairs.scores, ~pairs.impostor)
    _check(held, genuine, impostor)
    matches = [impostor.threshold(rate) for rate in FALSE_MATCH_RATES]
    non_matches = [_non_match_threshold(genuine, rate) for rate in FALSE_NON_MATCH_RATES]
    counts = _count(held, np.unique([*matches, *non_matches]), done)
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


def _blocks(held: CalibrationSet, done: RowsDone | None, before: int) -> Iterator[_Pairs]:
    count = len(held.features)
    for block in row_blocks(count, count):
        scores = held.features[block] @ held.features[block.start :].T
        rows, columns = held.owners[block], held.owners[block.start :]
        camera, cameras = held.cameras[block], held.cameras[block.start :]
        pair = np.arange(len(columns)) > np.arange(len(rows))[:, None]
        pair &= (camera[:, None] != cameras) | (camera == UNKNOWN_CAMERA)[:, None]
        same = rows[:, None] == columns
        yield _Pairs(scores, rows, columns, pair & same, pair & ~same)
        if done is not None:
            done(before + block.stop, 2 * count)


def _check(held: CalibrationSet, genuine: ScoreHistogram, impostor: ScoreHistogram) -> None:
    if not (genuine.total and impostor.total):
        raise FeaturesError(
            f"{held.name} has nothing to calibrate on",
            expected="pairs of one person and pairs of two, by different cameras",
            got=f"{genuine.total} pairs of one person, {impostor.total} of two",
            cure="add images by further cameras, or leave the cameras out where there is only one",
        )


@dataclass(frozen=True, eq=False)
class _Counts:
    """Pairs at or above some thresholds, and in all, person by person; a pair of two counts for both.

    Attributes:
        places: of the thresholds in `THRESHOLDS`, ascending.
        genuine, impostor: pairs at or above each threshold; the last row is of all pairs.
    """

    places: Int64[np.ndarray, " t"]
    genuine: Int64[np.ndarray, "rows people"]
    impostor: Int64[np.ndarray, "rows people"]

    def false_matches(self, place: int) -> tuple[int, int]:
        """Errors when pairs from a threshold on are called the same, and how many people they are of."""
        reaching = self.impostor[np.searchsorted(self.places, place)]
        return int(reaching.sum()) // 2, error_sources(reaching)

    def false_non_matches(self, place: int) -> tuple[int, int]:
        """Errors when pairs below a threshold are called different, and how many people they are of."""
        below = self.genuine[-1] - self.genuine[np.searchsorted(self.places, place)]
        return int(below.sum()), error_sources(below)

    def point(self, target: float, place: int, errors: tuple[int, int]) -> OperatingPoint:
        """The operating point at a threshold with its errors and their sources."""
        if errors[0] < MIN_ERRORS or errors[1] < MIN_SOURCES:
            return OperatingPoint(target=target, supported=False, errors=errors[0], error_sources=errors[1])
        row = int(np.searchsorted(self.places, place))
        return OperatingPoint(
            target=target,
            supported=True,
            errors=errors[0],
            error_sources=errors[1],
            threshold=float(THRESHOLDS[place]),
            false_match_rate=_rate(self.impostor[row] / 2, self.impostor[-1] / 2, each=2),
            true_match_rate=_rate(self.genuine[row] / 1, self.genuine[-1] / 1, each=1),
        )


def _rate(
    reached: Float64[np.ndarray, " people"], pairs: Float64[np.ndarray, " people"], *, each: int
) -> tuple[float, float, float]:
    """The share of the pairs that reach a threshold, and its interval.

    Args:
        reached: such pairs of each person, shared equally among the people of a pair.
        pairs: all pairs of each person, shared likewise.
        each: people of a pair: leaving out one of them leaves out the whole pair.
    """
    rate = float(reached.sum() / pairs.sum())
    left = pairs.sum() - each * pairs
    without = np.where(left > 0, (reached.sum() - each * reached) / np.maximum(left, 1), rate)
    bounds = rate_interval(rate, float(jackknife_variance(without[:, None])[0]), len(pairs))
    return rate, bounds.low, bounds.high


def _count(held: CalibrationSet, places: Int64[np.ndarray, " t"], done: RowsDone | None) -> _Counts:
    shape = (len(places) + 1, held.people)
    genuine, impostor = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for pairs in _blocks(held, done, len(held.features)):
        genuine[-1] += _by_person(held, pairs.rows, pairs.genuine, axis=1)
        impostor[-1] += _by_person(held, pairs.rows, pairs.impostor, axis=1)
        impostor[-1] += _by_person(held, pairs.columns, pairs.impostor, axis=0)
        for row, place in enumerate(places):
            reached = pairs.scores >= THRESHOLDS[place]
            wrong = pairs.impostor & reached
            genuine[row] += _by_person(held, pairs.rows, pairs.genuine & reached, axis=1)
            impostor[row] += _by_person(held, pairs.rows, wrong, axis=1)
            impostor[row] += _by_person(held, pairs.columns, wrong, axis=0)
    return _Counts(places, genuine, impostor)


def _by_person(
    held: CalibrationSet, owners: Int64[np.ndarray, " _"], marked: Bool[np.ndarray, "r c"], *, axis: int
) -> Int64[np.ndarray, " people"]:
    """How many pairs are marked, by the owners of their rows (summing over axis 1) or columns (over axis 0)."""
    return np.bincount(owners, marked.sum(axis=axis), minlength=held.people).astype(np.int64)
