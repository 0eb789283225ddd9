"""Rows of any size become rows of length one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reseen.errors import FeaturesError
from reseen.scores.normalise import row_peaks, unit_rows

FLOATS = st.sampled_from([np.float16, np.float32, np.float64])
ROWS = FLOATS.flatmap(
    lambda dtype: arrays.arrays(dtype, (3, 4), elements={"allow_nan": False, "allow_infinity": False})
).filter(lambda rows: rows.any(axis=1).all())


def everything(rows: np.ndarray) -> np.ndarray:
    return np.ones(len(rows), dtype=bool)


def test_a_row_is_divided_by_its_length() -> None:
    assert unit_rows(np.array([[3.0, -4.0]]), np.array([True]), "query") == pytest.approx(np.array([[0.6, -0.8]]))


@given(ROWS)
def test_rows_of_any_float_type_and_size_get_length_one(rows: np.ndarray) -> None:
    unit = unit_rows(rows, everything(rows), "query")

    assert unit.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(unit.astype(np.float64), axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(np.sign(unit[abs(unit) > 1e-6]), np.sign(rows[abs(unit) > 1e-6]))


@pytest.mark.parametrize("size", [1e-300, 1e-40, 1e30, 1e300])
def test_no_size_overflows_or_vanishes(size: float) -> None:
    rows = np.array([[3.0, -4.0]]) * size
    assert unit_rows(rows, everything(rows), "query") == pytest.approx(np.array([[0.6, -0.8]]))


def test_parts_that_cannot_be_seen_in_a_cosine_become_zero_and_no_others() -> None:
    rows = np.array([[1.0, -1e-17, 1e-19, -1e-41]])
    np.testing.assert_array_equal(
        unit_rows(rows, everything(rows), "query"), np.array([[1.0, -1e-17, 0, 0]], dtype=np.float32)
    )


def test_only_the_rows_to_keep_are_returned_and_nothing_is_changed() -> None:
    rows = np.random.default_rng(0).standard_normal((700, 3)).astype(np.float32)
    before = rows.copy()
    keep = np.arange(700) % 3 == 0

    np.testing.assert_array_equal(unit_rows(rows, keep, "gallery"), unit_rows(rows, everything(rows), "gallery")[keep])
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize(
    ("row", "got"),
    [
        ([1, np.nan], "NaN or infinity"),
        ([1, np.inf], "NaN or infinity"),
        ([-np.inf, 1], "NaN or infinity"),
        ([0, 0], "all zeros"),
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_row_without_direction_is_named_by_its_place_among_all(
    row: list[float], got: str, dtype: type[np.floating]
) -> None:
    rows = np.ones((700, 2), dtype=dtype)
    rows[601] = row
    with pytest.raises(FeaturesError, match=rf"row 601 of the gallery features(.|\n)*{got}"):
        unit_rows(rows, np.arange(700) % 3 > 0, "gallery")


def test_a_row_that_is_not_kept_may_be_anything() -> None:
    unit = unit_rows(np.array([[np.nan, 1], [2, 0], [0, 0]]), np.array([False, True, False]), "gallery")
    assert unit.tolist() == [[1, 0]]


def test_the_peak_of_a_row_is_its_largest_magnitude() -> None:
    assert row_peaks(np.array([[1.0, -3.0], [2.0, 0.5]]), "query").tolist() == [3.0, 2.0]


def test_all_rows_are_looked_at_for_their_peaks() -> None:
    with pytest.raises(FeaturesError, match="row 1 of the stored features"):
        row_peaks(np.array([[1.0], [np.nan]]), "stored")
