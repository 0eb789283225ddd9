"""Query expansion against loops over single images, and against cases worked by hand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from reseen.errors import FeaturesError, UsageError
from reseen.evaluation import reranking
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.query_expansion import expanded_scores
from reseen.scores import blocks as scored

Clustered = Callable[..., RetrievalSet]


def scores_of(retrieval: RetrievalSet, neighbours: int, alpha: float, memory: float = 1.0) -> np.ndarray:
    blocks = expanded_scores(retrieval, neighbours=neighbours, alpha=alpha, memory=memory)
    return np.concatenate([block.copy() for block in blocks])


def looped_scores(retrieval: RetrievalSet, neighbours: int, alpha: float) -> np.ndarray:
    gallery = retrieval.gallery_features.astype(np.float64)
    rows = []
    for query in retrieval.valid_queries:
        feature = retrieval.query_features[query].astype(np.float64)
        similarity = gallery @ feature
        first = sorted(range(len(gallery)), key=lambda image: -similarity[image])[:neighbours]
        expanded = feature + sum(max(similarity[image], 0.0) ** alpha * gallery[image] for image in first)
        rows.append(gallery @ expanded / np.linalg.norm(expanded))
    return np.array(rows)


@pytest.mark.parametrize(("neighbours", "alpha"), [(1, 0.0), (5, 0.0), (5, 3.0), (10, 0.5), (82, 1.0)])
def test_p3_expanding_query_by_query_gives_the_same_similarities(
    clustered: Clustered, neighbours: int, alpha: float
) -> None:
    retrieval = clustered()
    np.testing.assert_allclose(
        scores_of(retrieval, neighbours, alpha), looped_scores(retrieval, neighbours, alpha), atol=1e-6
    )


def test_two_images_on_the_axes_worked_by_hand() -> None:
    retrieval = RetrievalSet.of(
        query_features=np.array([[3.0, 4.0]]),
        gallery_features=np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]]),
        query_persons=np.array([1]),
        gallery_persons=np.array([2, 1, 1]),
    )
    # (0.6, 0.8) finds (0, 1) at 0.8: the plain mean points to (0.6, 1.8), the one of alpha = 1 to (0.6, 1.6).
    np.testing.assert_allclose(scores_of(retrieval, 1, 0.0), [np.array([1.8, 0.6, -0.6]) / np.sqrt(3.6)], rtol=1e-6)
    np.testing.assert_allclose(scores_of(retrieval, 1, 1.0), [np.array([1.6, 0.6, -0.6]) / np.sqrt(2.92)], rtol=1e-6)


def test_expansion_helps_where_persons_form_clusters(clustered: Clustered) -> None:
    retrieval = clustered(200, 1500, persons=60, cameras=6, width=64, noise=1.6)
    before, after = evaluate(retrieval), evaluate(retrieval, expanded_scores(retrieval))

    assert 0.3 < before.mAP < 0.95
    assert after.mAP > before.mAP + 0.02


def test_a_query_is_not_expanded_with_itself() -> None:
    retrieval = RetrievalSet.of(
        query_features=np.eye(2),
        gallery_features=np.eye(2),
        query_persons=np.array([1, 1]),
        gallery_persons=np.array([1, 1]),
        query_images=np.array([7, 8]),
        gallery_images=np.array([7, 8]),
    )
    np.testing.assert_allclose(scores_of(retrieval, 1, 0.0), np.full((2, 2), np.sqrt(0.5)), rtol=1e-6)
    with pytest.raises(FeaturesError, match=r"at least 2 images(.|\n)*got: 1"):
        expanded_scores(retrieval, neighbours=2)


def test_a_query_that_its_neighbours_cancel_out_stays_as_it_is() -> None:
    retrieval = RetrievalSet.of(
        query_features=np.array([[1.0, 0.0]]),
        gallery_features=np.array([[-1.0, 0.0]]),
        query_persons=np.array([1]),
        gallery_persons=np.array([1]),
    )
    assert scores_of(retrieval, 1, 0.0).tolist() == [[-1.0]]


def test_more_neighbours_than_gallery_images_are_refused(clustered: Clustered) -> None:
    retrieval = clustered()
    images = len(retrieval.gallery_features)

    assert np.isfinite(scores_of(retrieval, images, 0.0)).all()
    with pytest.raises(FeaturesError, match=rf"at least {images + 1} images(.|\n)*got: {images}"):
        expanded_scores(retrieval, neighbours=images + 1)


@pytest.mark.parametrize(
    "settings", [{"neighbours": 0}, {"alpha": -0.1}, {"alpha": float("nan")}, {"alpha": float("inf")}]
)
def test_settings_out_of_range_are_refused(clustered: Clustered, settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="settings out of range"):
        expanded_scores(clustered(), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("memory", [0.04, 0.08])
def test_p4_the_memory_is_kept_to_and_changes_nothing(clustered: Clustered, memory: float) -> None:
    retrieval = clustered(1500, 8500, persons=500, width=64, noise=0.7)
    expected = evaluate(retrieval, expanded_scores(retrieval)).mAP

    tracemalloc.start()
    found = evaluate(retrieval, expanded_scores(retrieval, memory=memory))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found.mAP == pytest.approx(expected, abs=1e-6)
    assert peak < memory * 1e9


def test_it_tells_how_many_queries_are_done(clustered: Clustered, monkeypatch: pytest.MonkeyPatch) -> None:
    retrieval = clustered(30, 90)
    monkeypatch.setattr(scored, "BLOCK_SCORES", 10 * (90 + 4 * 16))
    monkeypatch.setattr(reranking, "ENOUGH_ROWS", 1)
    told: list[tuple[int, int]] = []

    blocks = [len(block) for block in expanded_scores(retrieval, progress=lambda *rows: told.append(rows))]

    assert told == [(done, sum(blocks)) for done in np.cumsum(blocks).tolist()]
    assert len(told) > 1
