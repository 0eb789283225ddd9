"""Queries of one person by one camera become one, with the mean of their features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.errors import FeaturesError
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.multi_query import multi_query
from reseen.evaluation.protocol import RetrievalSet

Clustered = Callable[..., RetrievalSet]


def test_worked_by_hand() -> None:
    # (person, camera) of the queries: 2@1 twice, 1@1 alone, 2@2 alone, then twice an unknown camera, 0 and -1 twice
    merged = multi_query(
        RetrievalSet.of(
            query_features=np.array([[1.0, 0], [0, 2], [0, 3], [4, 0], [1, 1], [1, 2], [1, 3], [1, 4], [1, 5], [1, 6]]),
            gallery_features=np.ones((1, 2)),
            query_persons=np.array([2, 1, 2, 2, 2, 2, 0, 0, -1, -1]),
            gallery_persons=np.array([1]),
            query_cameras=np.array([1, 1, 1, 2, -1, -1, 1, 1, 1, 1]),
            gallery_cameras=np.array([1]),
        )
    )
    assert merged.query_persons.tolist() == [2, 1, 2, 2, 2, 0, 0, -1, -1]
    assert merged.query_cameras.tolist() == [1, 1, 2, -1, -1, 1, 1, 1, 1]
    half = np.sqrt(0.5)
    np.testing.assert_allclose(merged.query_features[:4], [[half, half], [0, 1], [1, 0], [half, half]], atol=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_the_plain_loop_finds_the_same_means(clustered: Clustered, seed: int) -> None:
    retrieval = clustered(40, 30, persons=4, cameras=2, seed=seed)
    groups: dict[tuple[int, int], list[np.ndarray]] = {}
    for person, camera, row in zip(
        retrieval.query_persons, retrieval.query_cameras, retrieval.query_features, strict=True
    ):
        groups.setdefault((person, camera), []).append(row)

    merged = multi_query(retrieval)

    assert [*zip(merged.query_persons, merged.query_cameras, strict=True)] == list(groups)
    for row, features in zip(merged.query_features, groups.values(), strict=True):
        mean = np.mean(features, axis=0)
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-6)


def test_several_noisy_images_find_more_than_one(clustered: Clustered) -> None:
    retrieval = clustered(400, 300, persons=20, noise=2.5)
    assert evaluate(multi_query(retrieval)).mAP > evaluate(retrieval).mAP + 0.1


def test_queries_that_are_alone_stay_as_they_are(clustered: Clustered) -> None:
    retrieval = clustered(3, 30, persons=500, seed=1)
    np.testing.assert_allclose(multi_query(retrieval).query_features, retrieval.query_features, atol=1e-7)


def test_images_that_are_in_the_gallery_too_are_not_found_by_the_query_they_are_part_of(clustered: Clustered) -> None:
    made = clustered(12, 40, persons=3, cameras=2)
    everything = RetrievalSet.of(
        query_features=made.gallery_features,
        gallery_features=made.gallery_features,
        query_persons=made.gallery_persons,
        gallery_persons=made.gallery_persons,
        query_cameras=made.gallery_cameras,
        gallery_cameras=made.gallery_cameras,
        query_images=np.arange(len(made.gallery_persons)),
        gallery_images=np.arange(len(made.gallery_persons)),
    )

    merged = multi_query(everything)

    assert merged.query_images is not None
    assert len(set(merged.query_images.tolist())) == len(merged.query_persons)
    alone = np.flatnonzero(merged.query_persons == 0)
    assert set(merged.query_images[alone].tolist()) <= set(range(len(made.gallery_persons)))
    pairs = merged.same_person(merged.valid_queries)
    same_camera = merged.query_cameras[merged.valid_queries[pairs.queries]] == merged.gallery_cameras[pairs.gallery]
    assert pairs.excluded.tolist() == same_camera.tolist()


def test_opposite_features_have_no_mean(clustered: Clustered) -> None:
    retrieval = clustered(2, 10)
    opposite = replace(
        retrieval,
        query_features=np.array([[1.0] + [0.0] * 15, [-1.0] + [0.0] * 15], dtype=np.float32),
        query_persons=np.array([1, 1]),
        query_cameras=np.array([0, 0]),
    )
    with pytest.raises(FeaturesError, match=r"merged query features(.|\n)*no length"):
        multi_query(opposite)
