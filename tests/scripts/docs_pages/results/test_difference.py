from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from docs_pages.results.difference import differences


def test_two_rows_agree_with_student_s_test_of_another_library() -> None:
    first, second = [30.1, 31.4, 29.8], [33.0, 33.9, 32.1]
    found = differences([first, second])[1]
    interval = stats.ttest_ind(second, first).confidence_interval(0.95)

    assert found.value == pytest.approx(np.mean(second) - np.mean(first))
    assert found.margin is not None
    assert (found.value - found.margin, found.value + found.margin) == pytest.approx(tuple(interval))
    assert found.says_something


def test_the_spread_is_pooled_over_all_rows() -> None:
    # Variances 2, 0 and 2 with a degree of freedom each: 4/3 together; t(0.975, 3) = 3.1824.
    found = differences([[10.0, 12.0], [11.0, 11.0], [20.0, 22.0]])

    assert [each.value for each in found] == [0, 0, 10]
    assert found[1].margin == found[2].margin == pytest.approx(3.1824 * (4 / 3) ** 0.5, rel=1e-4)
    assert [each.says_something for each in found] == [False, False, True]


def test_a_row_with_one_seed_borrows_the_spread_of_the_others() -> None:
    found = differences([[10.0, 12.0], [30.0]])

    assert found[1].margin == pytest.approx(12.7062 * (2 * 1.5) ** 0.5, rel=1e-4)


def test_single_seeds_say_nothing() -> None:
    found = differences([[10.0], [90.0]])[1]

    assert (found.value, found.margin, found.says_something) == (80, None, False)


def test_intervals_hold_the_true_difference_as_often_as_they_say() -> None:
    draw = np.random.default_rng(0)
    held = [
        abs(each.value) <= each.margin
        for _ in range(1000)
        for each in differences(draw.normal(size=(4, 2)).tolist())[1:]
        if each.margin is not None
    ]

    assert len(held) == 3000
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)
