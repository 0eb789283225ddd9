"""`HeldBack`: error rates measured on people who had no part in choosing the thresholds.

A threshold that people set keeps its rate on these very people, whatever it does on others. So half of the people
calibrate and the other half is measured, then the other way round (two-fold cross-validation over people: Stone,
"Cross-validatory choice and assessment of statistical predictions", 1974). The thresholds of the calibration itself are
of all people, twice as many, and differ a little from either half's.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Literal

import numpy as np

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.operating_point import BoundedRate
from reseen.calibration.pair_calibration import PairCalibration, calibrate_pairs
from reseen.calibration.pair_counts import PairCounts, count_pairs, pair_rate
from reseen.calibration.proportion import rate_interval
from reseen.calibration.search_calibration import calibrate_search
from reseen.calibration.search_rates import SearchPoint, SearchRates
from reseen.calibration.search_tally import Tally
from reseen.calibration.strangers import ScoringRule, Searches
from reseen.scores.blocks import RowsDone
from reseen.scores.histogram import STEPS
from reseen.strict import Count, Rate, Strict

SIZES = (10, 100, 300)
RATES = (0.1, 0.01)


class HeldBackPairs(Strict):
    """An answer about two images, on people who were held back.

    Attributes:
        answer: that is given beyond the thresholds.
        target: the error rate asked for.
        error_rate: of different-person pairs called the same, or of same-person pairs called different, with the bounds
            of its 95 % interval.
        decided: the share of same-person pairs called the same, or of different-person pairs called different.
    """

    answer: Literal["same", "different"]
    target: Rate
    error_rate: BoundedRate
    decided: BoundedRate


class HeldBackSearches(Strict):
    """Strangers' searches, on people who were held back.

    Attributes:
        one_image: whether the gallery holds one image a person, as a folder may, or all.
        people: in the gallery.
        target: the false-positive identification rate asked for.
        extrapolated: whether a threshold was extrapolated.
        fpir: measured, with the bounds of its 95 % interval.
    """

    one_image: bool
    people: Count
    target: Rate
    extrapolated: bool
    fpir: BoundedRate


class HeldBack(Strict):
    """What was measured on people held back; rates that a half of the people could not support are not there.

    Attributes:
        people: how many there were, each once in the half that calibrates and once in the one that is measured.
        pairs: of two images.
        searches: of a gallery.
    """

    people: Count
    pairs: tuple[HeldBackPairs, ...]
    searches: tuple[HeldBackSearches, ...]


Half = tuple[CalibrationSet, CalibrationSet]
"""The people who calibrate, and those who are measured."""


def hold_back(
    held: CalibrationSet, scoring: ScoringRule = "best_image", done: RowsDone | None = None, seed: int = 0
) -> HeldBack:
    """Calibrate on half of the people and measure the other half, both ways.

    Args:
        held: the people.
        scoring: how a search compares a query and a person.
        done: told how many parts of the work are done, and how many there are.
        seed: of the draw of halves.

    Raises:
        FeaturesError: half of the people are too few to calibrate on.
    """
    first = np.zeros(held.people, dtype=bool)
    first[np.random.default_rng(seed).permutation(held.people)[: held.people // 2]] = True
    one, other = (held.of_people(held.name, half) for half in (first, ~first))
    halves: list[Half] = [(one, other), (other, one)]
    pairs: list[_MeasuredPairs] = []
    searches: list[_MeasuredSearches] = []
    for number, half in enumerate(halves):
        pairs.append(_measure_pairs(half))
        searches.append(_measure_searches(half, scoring))
        if done is not None:
            done(number + 1, len(halves))
    return HeldBack(people=held.people, pairs=_pairs_of(pairs), searches=_searches_of(searches, held.people))


_MeasuredPairs = tuple[PairCalibration, PairCounts]
_Asked = tuple[bool, int, float]
"""Whether the gallery holds one image a person, how many people, and the FPIR."""
_MeasuredSearches = dict[_Asked, tuple[SearchPoint, float, float]]
"""The threshold, the rate that was measured with it, and its variance."""


def _measure_pairs(half: Half) -> _MeasuredPairs:
    calibrating, measured = half
    calibration = calibrate_pairs(calibrating)
    points = (*calibration.match, *calibration.non_match)
    places = np.unique([_place(point.threshold) for point in points if point.threshold is not None])
    return calibration, count_pairs(measured, places.astype(np.int64))


def _place(threshold: float) -> int:
    """The place in `THRESHOLDS` of one of them."""
    return round(threshold * STEPS) + STEPS


def _pairs_of(halves: Sequence[_MeasuredPairs]) -> tuple[HeldBackPairs, ...]:
    found: list[HeldBackPairs] = []
    for answer in ("same", "different"):
        each = [calibration.match if answer == "same" else calibration.non_match for calibration, _ in halves]
        for points in zip(*each, strict=True):
            thresholds = [point.threshold for point in points if point.threshold is not None]
            if len(thresholds) == len(halves):
                counts = [counted for _, counted in halves]
                found.append(_pair(answer, points[0].target, counts, thresholds))
    return tuple(found)


def _pair(
    answer: Literal["same", "different"], target: float, counts: Sequence[PairCounts], thresholds: Sequence[float]
) -> HeldBackPairs:
    """Both halves together: nobody is in both, so that leaving out one person changes one of them."""
    rows = [int(np.searchsorted(each.places, _place(t))) for each, t in zip(counts, thresholds, strict=True)]
    genuine, impostor = (
        pair_rate(
            np.concatenate([tally(each)[row] for each, row in zip(counts, rows, strict=True)]),
            np.concatenate([tally(each)[-1] for each in counts]),
            each=people,
        )
        for tally, people in ((attrgetter("genuine"), 1), (attrgetter("impostor"), 2))
    )
    if answer == "same":
        return HeldBackPairs(answer=answer, target=target, error_rate=impostor, decided=genuine)
    return HeldBackPairs(answer=answer, target=target, error_rate=_rest(genuine), decided=_rest(impostor))


def _rest(rate: tuple[float, float, float]) -> tuple[float, float, float]:
    return 1 - rate[0], 1 - rate[2], 1 - rate[1]


def _measure_searches(half: Half, scoring: ScoringRule) -> _MeasuredSearches:
    calibrating, measured = half
    calibration = calibrate_search(calibrating, scoring)
    whole = _rates(calibration, Searches.of(measured, scoring), one_image=False)
    if calibration.one_image is None:
        return whole
    drawn = Searches.of_one_image(measured, 0)
    return whole | _rates(calibration.one_image, drawn, one_image=True)


def _rates(rates: SearchRates, searches: Searches, *, one_image: bool) -> _MeasuredSearches:
    sizes = np.array([size for size in SIZES if size <= searches.people - 2], dtype=np.int64)
    points = {(size, rate): rates.point(size, rate) for size in sizes.tolist() for rate in RATES}
    known = {asked: point for asked, point in points.items() if point is not None}
    thresholds = np.unique([point.threshold for point in known.values()])
    if not len(thresholds):
        return {}
    tally = Tally(searches.owners, searches.people, len(thresholds), sizes)
    for block, scores in searches.blocks():
        tally.add(block, scores, thresholds)
    found: _MeasuredSearches = {}
    for (size, rate), point in known.items():
        measured, variance = tally.variances(int(np.searchsorted(thresholds, point.threshold)))
        place = int(np.searchsorted(sizes, size))
        found[one_image, size, rate] = point, float(measured[place]), float(variance[place])
    return found


def _searches_of(halves: Sequence[_MeasuredSearches], people: int) -> tuple[HeldBackSearches, ...]:
    found: list[HeldBackSearches] = []
    for asked in halves[0]:
        if all(asked in half for half in halves):
            points, rates, variances = zip(*(half[asked] for half in halves), strict=True)
            rate = float(np.mean(rates))
            bounds = rate_interval(rate, float(np.sum(variances)) / len(halves) ** 2, people)
            one_image, size, target = asked
            found.append(
                HeldBackSearches(
                    one_image=one_image,
                    people=size,
                    target=target,
                    extrapolated=any(point.extrapolated for point in points),
                    fpir=(rate, bounds.low, bounds.high),
                )
            )
    return tuple(found)
