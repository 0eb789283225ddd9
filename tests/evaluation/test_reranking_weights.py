"""Weights over k-reciprocal neighbours, worked by hand; against the published algorithm: `test_reranking.py`."""

from __future__ import annotations

import numpy as np
import pytest

from reseen.evaluation.reranking_weights import neighbour_weights
from reseen.scores.nearest import nearest_images


def circle(degrees: list[float]) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def weights_of(features: np.ndarray, k1: int, k2: int) -> np.ndarray:
    nearest, farthest = nearest_images(features, k1 + 1)
    dense: np.ndarray = neighbour_weights(features, nearest, farthest, k2).toarray()
    return dense


def test_only_mutual_neighbours_have_weight() -> None:
    # 10° lists 0°, but 0° lists 355°.
    weights = weights_of(circle([0, 355, 10, 90]), k1=1, k2=1)

    near = np.exp(-(2 - 2 * np.cos(np.radians(5))) / 2)  # the farthest of 0° is at 90°: squared distance 2
    assert weights[0] == pytest.approx(np.array([1, near, 0, 0]) / (1 + near))
    assert weights[2].tolist() == [0, 0, 1, 0]
    assert weights[3].tolist() == [0, 0, 0, 1]


def test_weights_are_averaged_over_the_nearest_images() -> None:
    features = circle([0, 355, 10, 90])
    own = weights_of(features, k1=1, k2=1)

    averaged = weights_of(features, k1=1, k2=2)

    assert averaged[2] == pytest.approx((own[2] + own[0]) / 2)
    assert averaged[3] == pytest.approx((own[3] + own[2]) / 2)


@pytest.mark.parametrize(("k1", "k2"), [(1, 1), (4, 5), (20, 6), (299, 300)])
def test_rows_are_small_numbers_that_sum_to_one(k1: int, k2: int) -> None:
    features = circle(np.random.default_rng(0).uniform(0, 360, 300).tolist())
    nearest, farthest = nearest_images(features, k1 + 1)

    weights = neighbour_weights(features, nearest, farthest, k2)

    assert (weights.dtype, weights.indices.dtype, weights.indptr.dtype) == (np.float32, np.int32, np.int32)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    assert (weights.data > 0).all()
