"""Rates on people held back against the same measured by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.held_back import HeldBack, hold_back
from reseen.calibration.pair_calibration import calibrate_pairs
from reseen.calibration.search_calibration import calibrate_search
from reseen.calibration.strangers import Searches

DrawnPeople = Callable[..., CalibrationSet]


@pytest.fixture(scope="module")
def held(drawn_people: DrawnPeople) -> CalibrationSet:
    return drawn_people(240, 5)


@pytest.fixture(scope="module")
def found(held: CalibrationSet) -> HeldBack:
    return hold_back(held)


@pytest.fixture(scope="module")
def halves(held: CalibrationSet) -> list[CalibrationSet]:
    first = np.zeros(240, dtype=bool)
    first[np.random.default_rng(0).permutation(240)[:120]] = True
    return [held.of_people("half", half) for half in (first, ~first)]


def test_pairs_are_judged_by_the_thresholds_of_the_other_half(found: HeldBack, halves: list[CalibrationSet]) -> None:
    wrong = right = impostors = genuine = 0
    for calibrating, measured in (halves, halves[::-1]):
        threshold = calibrate_pairs(calibrating).match[1].threshold
        assert threshold is not None
        scores = measured.features @ measured.features.T
        pairs = np.triu(measured.cameras[:, None] != measured.cameras)
        same = measured.owners[:, None] == measured.owners
        wrong += np.sum(pairs & ~same & (scores >= threshold))
        right += np.sum(pairs & same & (scores >= threshold))
        impostors += np.sum(pairs & ~same)
        genuine += np.sum(pairs & same)

    (told,) = [each for each in found.pairs if (each.answer, each.target) == ("same", 1e-3)]

    assert told.error_rate[0] == pytest.approx(wrong / impostors)
    assert told.decided[0] == pytest.approx(right / genuine)


def test_different_is_wrong_where_one_person_scores_low(found: HeldBack) -> None:
    (told,) = [each for each in found.pairs if (each.answer, each.target) == ("different", 1e-1)]
    assert told.error_rate[1] <= 0.1 <= told.error_rate[2]
    assert told.decided[0] > 0.5


def test_searches_are_judged_by_the_thresholds_of_the_other_half(found: HeldBack, halves: list[CalibrationSet]) -> None:
    rates = []
    for calibrating, measured in (halves, halves[::-1]):
        point = calibrate_search(calibrating).point(100, 0.1)
        assert point is not None
        (scores,) = [scores for _, scores in Searches.of(measured, "best_image").blocks()]
        reached = (scores >= point.threshold).sum(axis=1)
        # Of 119 others a gallery of 100 holds none of k with C(119 - k, 100) / C(119, 100).
        none = [float(np.prod([(19 - each) / (119 - each) for each in range(k)])) if k <= 19 else 0.0 for k in reached]
        rates.append(1 - np.mean(none))

    (told,) = [each for each in found.searches if (each.one_image, each.people, each.target) == (False, 100, 0.1)]

    assert told.fpir[0] == pytest.approx(np.mean(rates), rel=1e-4)
    assert told.fpir[1] < told.fpir[0] < told.fpir[2]


def test_galleries_that_a_half_cannot_fill_are_left_out(found: HeldBack) -> None:
    assert {each.people for each in found.searches} == {10, 100}
    assert {each.one_image for each in found.searches} == {True, False}
