"""Intervals of error rates against textbook formulas, how often they hold the truth, and the people behind errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reseen.calibration.proportion import MIN_SOURCES, error_sources, jackknife_variance, rate_interval


def test_the_jackknife_of_a_mean_is_the_textbook_variance() -> None:
    values = np.random.default_rng(0).random(30)
    without = (values.sum() - values) / 29

    both = jackknife_variance(np.stack([without, without * 2], axis=1))
    assert both == pytest.approx(np.array([1, 4]) * values.var(ddof=1) / 30)


@pytest.mark.parametrize(("errors", "trials"), [(3, 40), (39, 40), (20, 1000)])
def test_independent_trials_have_the_interval_of_clopper_and_pearson(errors: int, trials: int) -> None:
    rate = errors / trials
    exact = stats.binomtest(errors, trials).proportion_ci(0.95, method="exact")

    bounds = rate_interval(rate, rate * (1 - rate) / trials, people=5)

    assert (bounds.low, bounds.high) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize("errors", [0, 40])
def test_rates_without_variance_are_judged_by_the_number_of_people(errors: int) -> None:
    exact = stats.binomtest(errors, 40).proportion_ci(0.95, method="exact")

    bounds = rate_interval(errors / 40, 0.0, people=40)

    assert (bounds.low, bounds.high) == pytest.approx((exact.low, exact.high))


@given(st.floats(0, 1), st.floats(0, 10), st.integers(2, 1000))
def test_the_interval_holds_the_rate_and_is_never_nan(rate: float, variance: float, people: int) -> None:
    bounds = rate_interval(rate, variance, people)
    assert 0 <= bounds.low <= rate <= bounds.high <= 1


def test_errors_in_clusters_are_held_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(300):
        draw = np.random.default_rng(seed)
        chances = draw.beta(0.5, 4.5, 80)  # mean 0.1, very different from person to person
        errors = draw.binomial(10, chances)
        without = (errors.sum() - errors) / (790)
        bounds = rate_interval(errors.sum() / 800, float(jackknife_variance(without[:, None])[0]), 80)
        held += bounds.low <= 0.1 <= bounds.high
    assert 275 <= held <= 299


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([0, 0, 0], 0),
        ([7, 0, 0], 1),
        ([64, 64, 0, 0], 2),  # twins
        ([3] * 12, 12),
        ([4, 2, 2], 2),  # 64 / 24
    ],
)
def test_people_count_by_their_part_of_the_errors(errors: list[int], expected: int) -> None:
    assert error_sources(np.array(errors)) == expected


@given(st.integers(2, 100_000))
def test_one_person_who_is_like_all_others_is_too_few(others: int) -> None:
    assert error_sources(np.array([others] + [1] * others)) < 4 < MIN_SOURCES


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=50))
def test_it_is_at_most_the_number_of_people_with_errors(errors: list[int]) -> None:
    assert error_sources(np.array(errors)) <= np.count_nonzero(errors)
