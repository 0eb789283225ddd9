"""Thresholds of searches: measured where they can be, extrapolated beyond, and never on the unsafe side."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.search_calibration import SearchCalibration, calibrate_search

DrawnPeople = Callable[..., CalibrationSet]


@pytest.fixture(scope="module")
def found(drawn_people: DrawnPeople) -> SearchCalibration:
    """Of 120 people, with a tail."""
    made = calibrate_search(drawn_people(120, 4))
    assert made.tail is not None
    return made


def test_sizes_are_found_on_the_safe_side(found: SearchCalibration) -> None:
    assert found.size(100) == found.size(80) == found.people.index(100)
    assert found.size(119) is None


def test_the_lowest_measured_threshold_of_a_rate_is_chosen(found: SearchCalibration) -> None:
    place = found.people.index(20)
    lowest = next(each for each in found.thresholds if each.fpir[place] <= 0.05)

    chosen = found.point(20, 0.05)

    assert chosen is not None
    assert not chosen.extrapolated
    assert (chosen.threshold, chosen.fpir, chosen.chance) == (lowest.threshold, lowest.fpir[place], lowest.rate)
    assert (chosen.interval.low, chosen.interval.high) == (lowest.low[place], lowest.high[place])


def test_a_score_has_the_rate_of_the_highest_threshold_that_it_reaches(found: SearchCalibration) -> None:
    lowest, second, highest = found.thresholds[0], found.thresholds[1], found.thresholds[-1]

    assert found.reached(lowest.threshold - 0.01, 20) is None
    for score, each in (
        (lowest.threshold, lowest),
        ((lowest.threshold + second.threshold) / 2, lowest),
        (0.999, highest),
    ):
        reached = found.reached(score, 20)
        assert reached is not None
        assert reached.threshold == each.threshold


def test_beyond_what_was_measured_the_tail_is_asked(found: SearchCalibration) -> None:
    assert found.tail is not None
    for people, fpir in ((200, 0.1), (118, 1e-3)):
        chosen = found.point(people, fpir)
        if chosen is not None:
            assert chosen.extrapolated
            assert chosen.threshold == found.tail.threshold(people, fpir)
            assert chosen.fpir == pytest.approx(fpir)
    without = found.model_copy(update={"tail": None})
    assert without.point(119, 0.05) is None
    assert without.point(100, 1e-6) is None
    assert without.reached(0.99, 119) is None


def test_the_largest_gallery_is_the_last_with_a_threshold(found: SearchCalibration) -> None:
    largest = found.largest(0.05)
    assert found.point(largest, 0.05) is not None
    assert found.point(largest + 1, 0.05) is None
    assert largest > 118
    assert found.model_copy(update={"tail": None}).largest(0.1) <= 118
