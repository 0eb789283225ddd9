"""Counting pairs of images, person by person, so that the interval of a rate can leave people out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.operating_point import OperatingPoint
from reseen.calibration.proportion import MIN_SOURCES, error_sources, jackknife_variance, rate_interval
from reseen.scores.blocks import RowsDone, row_blocks
from reseen.scores.histogram import THRESHOLDS
from reseen.scores.interval import MIN_ERRORS
from reseen.scores.labels import UNKNOWN_CAMERA
from reseen.shapes import Bool, Float32, Int64


@dataclass(frozen=True, eq=False)
class Pairs:
    """The pairs of a block of images with those from it on.

    Attributes:
        scores: one row per image of the block, a column for each from the block's first on.
        rows, columns: their people, numbered from 0.
        genuine, impostor: which of the pairs are of one person, and of two; each pair is marked once.
    """

    scores: Float32[np.ndarray, "r c"]
    rows: Int64[np.ndarray, " r"]
    columns: Int64[np.ndarray, " c"]
    genuine: Bool[np.ndarray, "r c"]
    impostor: Bool[np.ndarray, "r c"]


def pair_blocks(held: CalibrationSet, done: RowsDone | None, before: int) -> Iterator[Pairs]:
    """All pairs of images by different cameras, some at a time.

    Args:
        held: the people.
        done: told how many images have been compared, of twice as many.
        before: how many have been compared before.
    """
    count = len(held.features)
    for block in row_blocks(count, count):
        scores = held.features[block] @ held.features[block.start :].T
        rows, columns = held.owners[block], held.owners[block.start :]
        camera, cameras = held.cameras[block], held.cameras[block.start :]
        pair = np.arange(len(columns)) > np.arange(len(rows))[:, None]
        pair &= (camera[:, None] != cameras) | (camera == UNKNOWN_CAMERA)[:, None]
        same = rows[:, None] == columns
        yield Pairs(scores, rows, columns, pair & same, pair & ~same)
        if done is not None:
            done(before + block.stop, 2 * count)


@dataclass(frozen=True, eq=False)
class PairCounts:
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
            false_match_rate=pair_rate(self.impostor[row], self.impostor[-1], each=2),
            true_match_rate=pair_rate(self.genuine[row], self.genuine[-1], each=1),
        )


def pair_rate(
    reached: Int64[np.ndarray, " people"], pairs: Int64[np.ndarray, " people"], *, each: int
) -> tuple[float, float, float]:
    """The share of the pairs that reach a threshold, and its interval.

    Args:
        reached: such pairs of each person; a pair of two counts for both.
        pairs: all pairs of each person, counted likewise.
        each: people of a pair: leaving out one of them leaves out the whole pair.
    """
    rate = float(reached.sum() / pairs.sum())
    left = pairs.sum() - each * pairs
    without = np.where(left > 0, (reached.sum() - each * reached) / np.maximum(left, 1), rate)
    bounds = rate_interval(rate, float(jackknife_variance(without[:, None])[0]), len(pairs))
    return rate, bounds.low, bounds.high


def count_pairs(held: CalibrationSet, places: Int64[np.ndarray, " t"], done: RowsDone | None = None) -> PairCounts:
    """Count the pairs at or above some thresholds.

    Args:
        held: the people.
        places: of the thresholds in `THRESHOLDS`, ascending.
        done: as for `pair_blocks`, in its second half.
    """
    shape = (len(places) + 1, held.people)
    genuine, impostor = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for pairs in pair_blocks(held, done, len(held.features)):
        genuine[-1] += _by_person(held, pairs.rows, pairs.genuine, axis=1)
        impostor[-1] += _by_person(held, pairs.rows, pairs.impostor, axis=1)
        impostor[-1] += _by_person(held, pairs.columns, pairs.impostor, axis=0)
        for row, place in enumerate(places):
            reached = pairs.scores >= THRESHOLDS[place]
            wrong = pairs.impostor & reached
            genuine[row] += _by_person(held, pairs.rows, pairs.genuine & reached, axis=1)
            impostor[row] += _by_person(held, pairs.rows, wrong, axis=1)
            impostor[row] += _by_person(held, pairs.columns, wrong, axis=0)
    return PairCounts(places, genuine, impostor)


def _by_person(
    held: CalibrationSet, owners: Int64[np.ndarray, " _"], marked: Bool[np.ndarray, "r c"], *, axis: int
) -> Int64[np.ndarray, " people"]:
    """How many pairs are marked, by the owners of their rows (summing over axis 1) or columns (over axis 0)."""
    return np.bincount(owners, marked.sum(axis=axis), minlength=held.people).astype(np.int64)
