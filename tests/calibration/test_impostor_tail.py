"""The law of the tail against scores that follow it, and its intervals against 10,000 people never seen."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.impostor_tail import MOST_SPREAD, ImpostorTail, depths, fit_tail
from reseen.calibration.search_calibration import calibrate_search

DrawnPeople = Callable[..., CalibrationSet]


def fitted(exponent: float, people: int = 400, seed: int = 0) -> ImpostorTail:
    """Of strangers who score above 0.6 with chance 0.01, by the law."""
    draw = np.random.default_rng(seed)
    rows, columns = np.nonzero(draw.random((people, people)) < 0.01)
    depth = depths((1 - 0.4 * draw.random(len(rows)) ** (1 / exponent)).astype(np.float32))
    found = fit_tail(
        0.6,
        (np.full(people, people), np.full(people, people)),
        (np.bincount(rows, minlength=people), np.bincount(columns, minlength=people)),
        (np.bincount(rows, depth, minlength=people), np.bincount(columns, depth, minlength=people)),
        draws=1,
    )
    assert found is not None
    return found


@pytest.mark.parametrize("exponent", [2.0, 6.0, 15.0])
def test_an_exponent_is_found_again(exponent: float) -> None:
    found = fitted(exponent)
    assert found.exponent == pytest.approx(exponent, rel=0.1)
    assert found.rate == pytest.approx(0.01, rel=0.1)
    # Scores that are independent: the variance of the estimate is exponent² / errors, of log(rate) 1 / errors.
    for variances in (found.as_strangers, found.as_gallery):
        assert variances[0] == pytest.approx(1 / found.errors, rel=0.4)
        assert variances[1] == pytest.approx(found.exponent**2 / found.errors, rel=0.4)


def test_a_threshold_has_the_rate_that_was_asked_for() -> None:
    found = fitted(6.0)
    for people in (100, 1000, 10_000):
        threshold = found.threshold(people, 0.01)
        assert threshold is not None
        rate, interval = found.fpir(threshold, people)
        assert rate == pytest.approx(0.01)
        assert rate == pytest.approx(people * found.rate * ((1 - threshold) / 0.4) ** found.exponent)
        assert interval.low < rate < interval.high
        # The interval is symmetric on the scale of the logarithm.
        assert interval.low * interval.high == pytest.approx(rate**2)


def test_it_stops_before_the_tail_and_where_its_interval_says_nothing() -> None:
    found = fitted(6.0)
    assert found.threshold(1, 0.05) is None  # more often than the tail begins
    assert found.threshold(10, 0.0) is None
    largest = next(10**power for power in range(3, 300) if found.threshold(10**power, 1e-3) is None)
    threshold = 1 - 0.4 * math.exp(-math.log(largest * found.rate / 1e-3) / found.exponent)
    rate, interval = found.fpir(threshold, largest)
    assert interval.high > MOST_SPREAD * rate


def test_a_score_of_one_is_no_endless_depth() -> None:
    assert np.isfinite(depths(np.array([1.0, 1.0005], dtype=np.float32))).all()
    assert fitted(6.0).chance(1.0) > 0


def test_scores_at_the_start_alone_have_no_law() -> None:
    ones, none = np.ones(40, dtype=np.int64), np.full(40, -math.log(0.4))
    assert fit_tail(0.6, (40 * ones, 40 * ones), (10 * ones, 10 * ones), (10 * none, 10 * none), 1) is None


def test_p6_ten_thousand_strangers_lie_within_the_extrapolated_interval(drawn_people: DrawnPeople) -> None:
    held: list[bool] = []
    above = 0
    for seed in range(12):
        found = calibrate_search(drawn_people(300, 1, cameras=1, width=32, seed=seed))
        assert found.tail is not None
        gallery = drawn_people(10_000, 1, cameras=1, width=32, seed=1000 + seed).features
        strangers = drawn_people(1000, 1, cameras=1, width=32, seed=2000 + seed).features
        best = (strangers @ gallery.T).max(axis=1)
        for asked in (0.3, 0.1, 0.03):
            point = found.point(10_000, asked)
            if point is not None:
                assert point.extrapolated
                measured = float(np.mean(best >= point.threshold))
                above += measured > point.interval.high
                if asked < 0.3:  # what is told is an upper bound, which at high rates lies well above the truth
                    held.append(point.interval.low <= measured <= point.interval.high)
    assert len(held) == 24
    assert np.mean(held) >= 0.8
    assert above == 0
