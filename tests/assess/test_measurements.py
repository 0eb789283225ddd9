from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reseen.assess.measurements import LENGTH, measure
from reseen.evaluation.bootstrap import metric_intervals
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.recipe.schema import KReciprocal, QueryExpansion, Reranking


def test_one_pass_gives_what_each_measurement_gives_alone(small_retrieval: tuple[RetrievalSet, object, object]) -> None:
    retrieval, _, _ = small_retrieval
    found = measure(retrieval)
    alone = evaluate(retrieval)

    assert found.metrics.mAP == alone.mAP
    assert found.metrics.recall1 == alone.recall1
    assert found.intervals == metric_intervals(alone, retrieval)
    assert found.verification.same.total == int(alone.matches.sum())
    assert {(pair.query_camera, pair.gallery_camera) for pair in found.further.camera_pairs} == {
        (str(query), str(gallery)) for query in range(3) for gallery in range(3) if query != gallery
    }


@pytest.mark.parametrize("reranking", [None, KReciprocal(k1=4, k2=2), QueryExpansion(neighbours=2)])
def test_the_lists_are_of_the_ranking_that_was_measured(
    small_retrieval: tuple[RetrievalSet, object, object], reranking: Reranking | None
) -> None:
    found = measure(small_retrieval[0], reranking)

    for query, first in zip(found.metrics.valid_queries, found.metrics.first_rank, strict=True):
        places, scores, hits = found.lists.of(int(query))
        assert len(places) == LENGTH
        assert (np.diff(scores) <= 0).all()
        assert (int(np.argmax(hits)) + 1 if hits.any() else first) == first
        assert hits.any() == (first <= LENGTH)


def test_without_cameras_there_are_no_pairs_of_them(small_retrieval: tuple[RetrievalSet, object, object]) -> None:
    retrieval, _, _ = small_retrieval
    unknown = replace(
        retrieval,
        query_cameras=np.full_like(retrieval.query_cameras, -1),
        gallery_cameras=np.full_like(retrieval.gallery_cameras, -1),
    )

    assert measure(unknown).further.camera_pairs == ()
