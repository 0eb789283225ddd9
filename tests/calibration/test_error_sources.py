"""The number of people behind errors, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.calibration.error_sources import MIN_SOURCES, error_sources


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
