"""CMC, mAP and mINP against an example worked by hand, a plain loop, another library, and their own laws."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from reseen.errors import FeaturesError
from reseen.evaluation.metrics import Metrics, cosine_scores, evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.scores import blocks

Clustered = Callable[..., RetrievalSet]
Looped = Callable[[RetrievalSet, np.ndarray], dict[int, Any]]


def retrieval_set(query: list[tuple[int, int]], gallery: list[tuple[int, int]]) -> RetrievalSet:
    """From (person, camera) of each image; the scores are given apart from it."""
    return RetrievalSet.of(
        query_features=np.ones((len(query), 2)),
        gallery_features=np.ones((len(gallery), 2)),
        query_persons=np.array([person for person, _ in query]),
        gallery_persons=np.array([person for person, _ in gallery]),
        query_cameras=np.array([camera for _, camera in query]),
        gallery_cameras=np.array([camera for _, camera in gallery]),
    )


def in_blocks(scores: np.ndarray, *heights: int) -> Iterator[np.ndarray]:
    """Copies of the rows in blocks of these heights, the rest in one more."""
    blocks = np.split(scores.astype(np.float32), np.cumsum(heights))
    return (block for block in blocks if len(block))


@pytest.fixture
def by_hand() -> Metrics:
    """Nine queries against a gallery of eight, one of them junk; five queries count."""
    retrieval = retrieval_set(
        query=[(1, 1), (2, 3), (3, 1), (3, 2), (4, 1), (1, -1), (0, 1), (-1, 1), (3, 4)],
        gallery=[(1, 1), (1, 2), (-1, 2), (2, 2), (0, 3), (2, 1), (1, 3), (3, 1)],
    )
    scores = np.array(
        [
            # gallery without junk: 1@1  1@2  2@2  0@3  2@1  1@3  3@1
            # 1@1: the first is of its own camera; order 2@2, 0@3, 1@2 = 3@1 (gallery order), 1@3, 2@1: ranks 3, 5
            [0.99, 0.70, 0.90, 0.80, 0.10, 0.40, 0.70],
            # 2@3: order 2@2, 1@1, 1@2, 0@3, 1@3, 2@1 = 3@1 (gallery order): ranks 1, 6
            [0.90, 0.85, 0.95, 0.80, 0.20, 0.50, 0.20],
            # 3@1 is skipped: 3@1 is the only image, by its own camera
            # 3@2: order 0@3, 1@2 = 3@1 (gallery order): rank 3
            [0.10, 0.60, 0.10, 0.90, 0.10, 0.10, 0.60],
            # 4@1 is skipped: not in the gallery
            # 1 by an unknown camera: nothing is excluded; order 1@1, 2@2, 1@2, 1@3: ranks 1, 3, 4
            [0.90, 0.80, 0.85, 0.01, 0.05, 0.10, 0.02],
            # a distractor and a junk query are skipped
            # 3@4: the very last: rank 7
            [0.90, 0.80, 0.85, 0.50, 0.05, 0.10, 0.02],
        ]
    )
    return evaluate(retrieval, in_blocks(scores, 2, 1))


def test_p3_worked_by_hand_ranks(by_hand: Metrics) -> None:
    assert by_hand.valid_queries.tolist() == [0, 1, 3, 5, 8]
    assert by_hand.matches.tolist() == [2, 2, 1, 3, 1]
    assert by_hand.first_rank.tolist() == [3, 1, 3, 1, 7]
    assert by_hand.last_rank.tolist() == [5, 6, 3, 4, 7]


def test_p3_worked_by_hand_average_precision(by_hand: Metrics) -> None:
    # (1/3 + 2/5) / 2, (1/1 + 2/6) / 2, 1/3, (1/1 + 2/3 + 3/4) / 3, 1/7
    assert by_hand.average_precision == pytest.approx(np.array([11 / 30, 2 / 3, 1 / 3, 29 / 36, 1 / 7]))
    assert by_hand.mAP == pytest.approx(0.463016, abs=1e-6)


def test_p3_worked_by_hand_inverse_negative_penalty(by_hand: Metrics) -> None:
    assert by_hand.inverse_negative_penalty == pytest.approx(np.array([2 / 5, 2 / 6, 1 / 3, 3 / 4, 1 / 7]))
    assert by_hand.mINP == pytest.approx(0.391905, abs=1e-6)


def test_p3_worked_by_hand_cmc(by_hand: Metrics) -> None:
    assert (by_hand.recall1, by_hand.recall5, by_hand.recall10) == (2 / 5, 4 / 5, 1.0)
    assert [by_hand.recall(k) for k in (2, 3, 6, 7)] == [2 / 5, 4 / 5, 4 / 5, 1.0]


def test_p3_worked_by_hand_precision(by_hand: Metrics) -> None:
    # Matches at ranks 3, 5; at 1, 6; at 3; at 1, 3, 4; at 7
    assert by_hand.precision(1) == pytest.approx(2 / 5)
    assert by_hand.precision(3) == pytest.approx((1 + 1 + 1 + 2 + 0) / 3 / 5)
    assert by_hand.precision(10) == pytest.approx((2 + 2 + 1 + 3 + 1) / 10 / 5)


def test_p3_worked_by_hand_per_query(by_hand: Metrics) -> None:
    figures = by_hand.per_query()
    assert {name: values.mean() for name, values in figures.items()} == pytest.approx(
        {name: getattr(by_hand, name) for name in ("recall1", "recall5", "recall10", "mAP", "mINP")}
    )
    assert figures["recall5"].tolist() == [1, 1, 1, 1, 0]


def test_p3_worked_by_hand_skipped(by_hand: Metrics) -> None:
    assert by_hand.queries == 5
    assert by_hand.skipped.own_camera_only.tolist() == [2]
    assert by_hand.skipped.not_in_gallery.tolist() == [4]
    assert by_hand.skipped.not_a_person.tolist() == [6, 7]


def test_p3_worked_by_hand_cosine_of_angles() -> None:
    def at(*degrees: float) -> np.ndarray:
        return np.stack([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))], axis=1)

    metrics = evaluate(
        RetrievalSet.of(
            query_features=at(0, 90) * [[0.2], [30]],
            gallery_features=at(10, 20, 30, 50, 65) * [[9], [1], [5], [0.1], [7]],
            query_persons=np.array([1, 2]),
            gallery_persons=np.array([2, 1, 0, 1, 2]),
        )
    )

    # From 0°: 1 at ranks 2 and 4. From 90°: 2 at ranks 1 and 5.
    assert metrics.average_precision == pytest.approx(np.array([(1 / 2 + 2 / 4) / 2, (1 / 1 + 2 / 5) / 2]))
    assert metrics.last_rank.tolist() == [4, 5]


@st.composite
def small_sets(draw: st.DrawFn) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Codes of a few persons and cameras, and scores on so few levels that most are tied."""
    queries, gallery = draw(st.integers(1, 6)), draw(st.integers(1, 12))

    def codes(count: int, lowest: int, highest: int) -> np.ndarray:
        return np.array(draw(st.lists(st.integers(lowest, highest), min_size=count, max_size=count)))

    gallery_persons = codes(gallery, -1, 3)
    gallery_persons[0] = 1
    parts = {
        "query_features": np.ones((queries, 1)),
        "gallery_features": np.ones((gallery, 1)),
        "query_persons": codes(queries, -1, 4),
        "gallery_persons": gallery_persons,
        "query_cameras": codes(queries, -1, 2),
        "gallery_cameras": codes(gallery, -1, 2),
    }
    columns = int(np.count_nonzero(gallery_persons != -1))
    levels = draw(st.integers(0, 4))
    return parts, codes(queries * columns, -levels, levels).reshape(queries, columns) / 4


@given(small_sets())
def test_p3_the_plain_loop_agrees_ties_and_all(looped: Looped, drawn: tuple[dict[str, Any], np.ndarray]) -> None:
    retrieval, scores = RetrievalSet.of(**drawn[0]), drawn[1]
    expected = looped(retrieval, scores)
    skipped = retrieval.skipped
    places = np.concatenate([skipped.not_in_gallery, skipped.own_camera_only, skipped.not_a_person, [*expected]])
    assert sorted(places.tolist()) == list(range(len(retrieval.query_persons)))
    if not expected:
        with pytest.raises(FeaturesError, match="no query can be evaluated"):
            evaluate(retrieval, in_blocks(scores[retrieval.valid_queries]))
        return

    metrics = evaluate(retrieval, in_blocks(scores[retrieval.valid_queries], 1, 2))

    assert metrics.valid_queries.tolist() == list(expected)
    assert metrics.first_rank.tolist() == [ranking.first_rank for ranking in expected.values()]
    assert metrics.last_rank.tolist() == [ranking.last_rank for ranking in expected.values()]
    for got, name in (
        (metrics.average_precision, "average_precision"),
        (metrics.inverse_negative_penalty, "inverse_negative_penalty"),
    ):
        np.testing.assert_allclose(got, [getattr(ranking, name) for ranking in expected.values()], atol=1e-12)
    assert metrics.mAP == pytest.approx(np.mean([ranking.average_precision for ranking in expected.values()]))
    assert metrics.mINP == pytest.approx(np.mean([ranking.inverse_negative_penalty for ranking in expected.values()]))
    for k in (1, 2, 5):
        assert metrics.recall(k) == np.mean([ranking.first_rank <= k for ranking in expected.values()])


@pytest.mark.parametrize("noise", [0.3, 0.8, 3.0])
def test_p3_the_plain_loop_agrees_on_features(clustered: Clustered, looped: Looped, noise: float) -> None:
    retrieval = clustered(60, 300, persons=8, noise=noise)
    expected = looped(retrieval, retrieval.query_features @ retrieval.gallery_features.T)
    metrics = evaluate(retrieval)

    assert metrics.first_rank.tolist() == [ranking.first_rank for ranking in expected.values()]
    assert metrics.last_rank.tolist() == [ranking.last_rank for ranking in expected.values()]
    np.testing.assert_allclose(
        metrics.average_precision, [ranking.average_precision for ranking in expected.values()], atol=1e-12
    )


def test_p3_scikit_learn_finds_the_same_average_precision(clustered: Clustered) -> None:
    retrieval = clustered(40, 400, persons=6, noise=1.5)
    metrics = evaluate(retrieval)
    for query, found in zip(metrics.valid_queries, metrics.average_precision, strict=True):
        same = retrieval.gallery_persons == retrieval.query_persons[query]
        kept = ~(same & (retrieval.gallery_cameras == retrieval.query_cameras[query]))
        scores = retrieval.gallery_features[kept] @ retrieval.query_features[query]
        assert found == pytest.approx(average_precision_score(same[kept], scores), abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_gallery_does_not_matter_without_ties(clustered: Clustered, seed: int) -> None:
    retrieval = clustered(8, 40, persons=5)
    order = np.random.default_rng(seed).permutation(len(retrieval.gallery_persons))
    shuffled = RetrievalSet.of(
        query_features=retrieval.query_features,
        gallery_features=retrieval.gallery_features[order],
        query_persons=retrieval.query_persons,
        gallery_persons=retrieval.gallery_persons[order],
        query_cameras=retrieval.query_cameras,
        gallery_cameras=retrieval.gallery_cameras[order],
    )
    expected, got = evaluate(retrieval), evaluate(shuffled)

    assert got.first_rank.tolist() == expected.first_rank.tolist()
    assert got.last_rank.tolist() == expected.last_rank.tolist()
    assert got.mAP == pytest.approx(expected.mAP, abs=1e-12)


@given(st.lists(st.integers(-60, 60), min_size=8, max_size=8), st.integers(-60, 60))
def test_the_length_of_a_feature_does_not_matter(
    clustered: Clustered, query_powers: list[int], gallery_power: int
) -> None:
    retrieval = clustered(8, 40, persons=5)
    scaled = RetrievalSet.of(
        query_features=retrieval.query_features * np.exp2(np.array(query_powers))[:, None],
        gallery_features=retrieval.gallery_features * np.exp2(float(gallery_power)),
        query_persons=retrieval.query_persons,
        gallery_persons=retrieval.gallery_persons,
        query_cameras=retrieval.query_cameras,
        gallery_cameras=retrieval.gallery_cameras,
    )
    assert evaluate(scaled).average_precision.tolist() == pytest.approx(evaluate(retrieval).average_precision.tolist())


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.01, 1.0, 100.0]))
def test_every_figure_is_a_fraction_and_cmc_rises(clustered: Clustered, seed: int, noise: float) -> None:
    metrics = evaluate(clustered(10, 60, persons=4, noise=noise, seed=seed))
    figures = [metrics.mAP, metrics.mINP, *metrics.average_precision, *metrics.inverse_negative_penalty]
    cmc = [metrics.recall(k) for k in range(1, 61)]

    assert all(0 < figure <= 1 for figure in figures)
    assert all(low <= high for low, high in pairwise(cmc))
    assert cmc[-1] == 1


def test_p3_equal_cosines_are_ranked_by_gallery_order() -> None:
    metrics = evaluate(
        RetrievalSet.of(
            query_features=np.eye(1, 7),
            gallery_features=np.ones((5, 1)) * np.eye(1, 7),
            query_persons=np.array([2]),
            gallery_persons=np.array([1, 2, 1, 2, 2]),
        )
    )
    assert metrics.average_precision == pytest.approx(np.array([(1 / 2 + 2 / 4 + 3 / 5) / 3]))


def test_all_queries_skipped_is_an_error_that_says_why() -> None:
    with pytest.raises(FeaturesError, match=r"1 × person not in gallery, 1 × only seen by the query's own camera"):
        evaluate(retrieval_set([(1, 1), (2, 1)], [(2, 1)]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_p3_a_score_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(FeaturesError, match="a score is not finite"):
        evaluate(retrieval_set([(1, 1)], [(1, 2), (2, 2)]), in_blocks(np.array([[0.5, value]])))


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_scores_for_another_number_of_queries_are_refused(rows: int) -> None:
    with pytest.raises(ValueError, match="rows of scores for 2 valid queries"):
        evaluate(retrieval_set([(1, 1), (1, 1)], [(1, 2), (2, 2)]), in_blocks(np.ones((rows, 2))))


def test_cosine_scores_are_the_product_of_the_unit_rows(clustered: Clustered) -> None:
    retrieval = clustered(7, 30)
    scores = np.concatenate([block.copy() for block in cosine_scores(retrieval)])
    cosine = retrieval.query_features[retrieval.valid_queries] @ retrieval.gallery_features.T
    np.testing.assert_allclose(scores, cosine, atol=1e-6)


def test_p4_memory_follows_the_block_not_the_score_matrix(
    clustered: Clustered, monkeypatch: pytest.MonkeyPatch
) -> None:
    retrieval = clustered(3368, 19732, persons=750, cameras=6, noise=0.5)
    whole = 3368 * len(retrieval.gallery_persons) * 4
    monkeypatch.setattr(blocks, "BLOCK_SCORES", 10**6)

    tracemalloc.start()
    metrics = evaluate(retrieval)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert metrics.queries > 3300
    assert peak < whole / 10
