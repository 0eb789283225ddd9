from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from reseen.assess.ranking import ranking_scores, reranking_in_words, score_in_words
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.query_expansion import expanded_scores
from reseen.evaluation.reranking import reranked_scores
from reseen.recipe.schema import KReciprocal, QueryExpansion, Reranking

K_RECIPROCAL = KReciprocal.model_validate({"k1": 4, "k2": 2, "lambda": 0.25})
EXPANSION = QueryExpansion(neighbours=3, alpha=2.0)


@pytest.fixture
def retrieval() -> RetrievalSet:
    """Ten queries and thirty gallery images of five people by two cameras."""
    draw = np.random.default_rng(0)
    return RetrievalSet.of(
        query_features=draw.standard_normal((10, 8)),
        gallery_features=draw.standard_normal((30, 8)),
        query_persons=np.arange(10) % 5 + 1,
        gallery_persons=np.arange(30) % 5 + 1,
        query_cameras=np.full(10, 1),
        gallery_cameras=np.full(30, 2),
    )


def test_the_scores_are_those_of_the_method_with_its_settings(retrieval: RetrievalSet) -> None:
    by_hand: dict[Reranking, Iterator[np.ndarray]] = {
        K_RECIPROCAL: reranked_scores(retrieval, k1=4, k2=2, lambda_=0.25),
        EXPANSION: expanded_scores(retrieval, neighbours=3, alpha=2.0),
    }
    for reranking, expected in by_hand.items():
        told: list[tuple[str, int, int]] = []
        found = ranking_scores(retrieval, reranking, progress=lambda *each: told.append(each))  # noqa: B023

        assert found is not None
        np.testing.assert_array_equal(np.concatenate(list(found)), np.concatenate(list(expected)))
        assert {stage for stage, _, _ in told} == {"re-ranking"}
        assert told[-1][1] == told[-1][2]


def test_without_re_ranking_there_is_nothing_to_make(retrieval: RetrievalSet) -> None:
    assert ranking_scores(retrieval, None) is None


@pytest.mark.parametrize(
    ("reranking", "words"),
    [
        (K_RECIPROCAL, "minus the k-reciprocal distance"),
        (EXPANSION, "cosine similarity to the expanded query"),
        (None, "cosine similarity"),
    ],
)
def test_people_read_what_the_scores_are(reranking: Reranking | None, words: str) -> None:
    assert score_in_words(reranking) == words


def test_people_read_the_method_and_its_settings() -> None:
    assert reranking_in_words(K_RECIPROCAL) == "k-reciprocal (k1 = 4, k2 = 2, lambda = 0.25)"
    assert reranking_in_words(EXPANSION) == "query-expansion (neighbours = 3, alpha = 2)"
