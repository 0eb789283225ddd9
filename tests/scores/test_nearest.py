"""Nearest images against a full, stable sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reseen.scores import blocks
from reseen.scores.nearest import NO_DISTANCE, largest, nearest_images


@given(
    st.integers(1, 5).flatmap(
        lambda rows: arrays.arrays(np.float32, (rows, 70), elements=st.integers(-3, 3), fill=st.nothing())
    ),
    st.integers(1, 70),
)
def test_the_largest_are_those_of_a_stable_sort(values: np.ndarray, k: int) -> None:
    np.testing.assert_array_equal(largest(values, k), np.argsort(-values, axis=1, kind="stable")[:, :k])


def test_the_nearest_images_are_found_over_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_SCORES", 7 * 500)
    rows = np.random.default_rng(0).standard_normal((500, 12))
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    done: list[int] = []
    found, farthest = nearest_images(unit, 9, progress=done.append)
    distances = ((unit[:, None].astype(np.float64) - unit[None]) ** 2).sum(axis=2)

    np.testing.assert_array_equal(found, np.argsort(distances, axis=1)[:, :9])
    np.testing.assert_array_equal(found[:, 0], np.arange(500))
    np.testing.assert_allclose(farthest, distances.max(axis=1), rtol=1e-5)
    assert done == [*range(7, 500, 7), 500]


def test_one_can_divide_by_the_farthest_of_identical_images() -> None:
    found, farthest = nearest_images(np.full((6, 4), 0.5, dtype=np.float32), 6)

    assert sorted(found[3].tolist()) == list(range(6))
    assert (farthest == NO_DISTANCE).all()
