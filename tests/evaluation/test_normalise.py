"""Rows of any size become rows of length one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reseen.errors import FeaturesError
from reseen.evaluation.normalise import row_peaks, unit_rows

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


def test_only_the_rows_to_keep_are_returned_and_nothing_is_changed() -> None:
    rows = np.random.default_rng(0).standard_normal((2500, 3)).astype(np.float32)
    before = rows.copy()
    keep = np.arange(2500) % 3 == 0

    np.testing.assert_array_equal(unit_rows(rows, keep, "gallery"), unit_rows(rows, everything(rows), "gallery")[keep])
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize(
    ("value", "got"), [(np.nan, "NaN or infinity"), (np.inf, "NaN or infinity"), (-np.inf, "NaN or infinity")]
)
def test_a_row_that_is_not_finite_is_named(value: float, got: str) -> None:
    rows = np.ones((5, 3))
    rows[3, 1] = value
    with pytest.raises(FeaturesError, match=rf"row 3 of the query features(.|\n)*{got}"):
        unit_rows(rows, everything(rows), "query")


def test_a_row_of_zeros_is_named_even_if_it_is_not_kept() -> None:
    rows = np.ones((5, 3), dtype=np.float16)
    rows[2] = 0
    with pytest.raises(FeaturesError, match=r"row 2 of the gallery features(.|\n)*all zeros"):
        unit_rows(rows, np.arange(5) != 2, "gallery")


def test_the_peak_of_a_row_is_its_largest_magnitude() -> None:
    assert row_peaks(np.array([[1.0, -3.0], [2.0, 0.5]]), "query").tolist() == [3.0, 2.0]
