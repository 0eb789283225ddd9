"""Figures of camera pairs are those of sets that hold no other cameras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.errors import FeaturesError
from reseen.evaluation.camera_pairs import CameraPair, CameraPairs
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet

Clustered = Callable[..., RetrievalSet]


def collected(retrieval: RetrievalSet, *, blocks: int = 1) -> list[CameraPair]:
    found = CameraPairs(retrieval)
    for queries in np.array_split(retrieval.valid_queries, blocks):
        found.add(queries, retrieval.query_features[queries] @ retrieval.gallery_features.T)
    return found.figures()


def only(retrieval: RetrievalSet, query_camera: int, gallery_camera: int) -> RetrievalSet:
    query = retrieval.query_cameras == query_camera
    gallery = retrieval.gallery_cameras == gallery_camera
    return RetrievalSet.of(
        query_features=retrieval.query_features[query],
        gallery_features=retrieval.gallery_features[gallery],
        query_persons=retrieval.query_persons[query],
        gallery_persons=retrieval.gallery_persons[gallery],
        query_cameras=retrieval.query_cameras[query],
        gallery_cameras=retrieval.gallery_cameras[gallery],
    )


@given(st.integers(0, 2**32 - 1))
def test_a_set_of_two_cameras_gives_the_same_figures(clustered: Clustered, seed: int) -> None:
    retrieval = clustered(40, 120, persons=6, cameras=4, noise=1.5, seed=seed)
    expected = {}
    for query_camera in range(4):
        for gallery_camera in set(range(4)) - {query_camera}:
            alone = only(retrieval, query_camera, gallery_camera)
            if len(alone.valid_queries):
                metrics = evaluate(alone)
                expected[str(query_camera), str(gallery_camera)] = (metrics.queries, metrics.recall1, metrics.mAP)

    found = collected(retrieval, blocks=3)

    assert [(pair.query_camera, pair.gallery_camera) for pair in found] == list(expected)
    for pair in found:
        assert (pair.queries, pair.recall1, pair.mAP) == pytest.approx(expected[pair.query_camera, pair.gallery_camera])


def test_no_camera_finds_its_own_images_and_unknown_ones_are_no_cameras(clustered: Clustered) -> None:
    retrieval = clustered(60, 200, cameras=3)
    unknown = replace(
        retrieval,
        query_cameras=np.where(retrieval.query_cameras == 0, -1, retrieval.query_cameras),
        gallery_cameras=np.where(retrieval.gallery_cameras == 1, -1, retrieval.gallery_cameras),
    )

    assert {(p.query_camera, p.gallery_camera) for p in collected(unknown)} == {("1", "0"), ("1", "2"), ("2", "0")}


def test_cameras_go_by_their_names_in_the_order_of_their_codes(clustered: Clustered) -> None:
    named = replace(clustered(60, 200, cameras=2), camera_names=("yard", "door"))

    assert [(p.query_camera, p.gallery_camera) for p in collected(named)] == [("yard", "door"), ("door", "yard")]


def test_cameras_that_see_nobody_in_common_are_no_pair() -> None:
    retrieval = RetrievalSet.of(
        query_features=np.eye(2),
        gallery_features=np.array([[1.0, 0], [1, 0.1], [0, 1]]),
        query_persons=np.array([1, 2]),
        gallery_persons=np.array([1, 0, 2]),
        query_cameras=np.array([0, 1]),
        gallery_cameras=np.array([2, 3, 3]),
    )
    assert collected(retrieval) == [CameraPair("0", "2", 1, 1.0, 1.0), CameraPair("1", "3", 1, 1.0, 1.0)]


def test_without_cameras_there_are_no_pairs(clustered: Clustered) -> None:
    retrieval = clustered()
    with pytest.raises(FeaturesError, match="there are no camera pairs"):
        CameraPairs(replace(retrieval, gallery_cameras=np.full_like(retrieval.gallery_cameras, -1)))
