"""k-reciprocal re-ranking against the published algorithm, written out densely and image by image; then its parts:
weights over neighbours worked by hand, shared weights against dense minima, and what memory is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from reseen.errors import FeaturesError, UsageError
from reseen.evaluation import reranking
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.reranking import (
    BYTES_PER_SCORE,
    FEWEST_ROWS,
    WORK_BYTES,
    neighbour_weights,
    reranked_scores,
    scores_at_once,
    shared_weights,
)
from reseen.scores import blocks as scored
from reseen.scores.nearest import nearest_images

Clustered = Callable[..., RetrievalSet]
WEIGHTS = st.sampled_from([0, 0, 0, 0.125, 0.5, 1])
Looped = Callable[[RetrievalSet, np.ndarray], dict[int, Any]]


def published(features: np.ndarray, k1: int, k2: int, lambda_: float) -> np.ndarray:
    """Final distances between all images (Zhong et al., CVPR 2017), in float64, as N×N matrices."""
    features = features.astype(np.float64)
    squared = ((features[:, None] - features[None]) ** 2).sum(axis=2)
    distance = squared / squared.max(axis=1, keepdims=True)
    ranking = np.argsort(distance, axis=1, kind="stable")
    count = len(features)

    def reciprocal(image: int, k: int) -> set[int]:
        return {int(other) for other in ranking[image, : k + 1] if image in ranking[other, : k + 1]}

    weights = np.zeros((count, count))
    for image in range(count):
        own = reciprocal(image, k1)
        expanded = set(own)
        for other in own:
            theirs = reciprocal(other, round(k1 / 2))
            if len(theirs & own) > 2 / 3 * len(theirs):
                expanded |= theirs
        members = sorted(expanded)
        weights[image, members] = np.exp(-distance[image, members])
    weights /= weights.sum(axis=1, keepdims=True)
    weights = np.stack([weights[ranking[image, :k2]].mean(axis=0) for image in range(count)])
    jaccard = np.stack(
        [1 - np.minimum(row, weights).sum(axis=1) / np.maximum(row, weights).sum(axis=1) for row in weights]
    )
    final: np.ndarray = (1 - lambda_) * jaccard + lambda_ * distance
    return final


def scores_of(retrieval: RetrievalSet, k1: int, k2: int, lambda_: float) -> np.ndarray:
    blocks = reranked_scores(retrieval, k1=k1, k2=k2, lambda_=lambda_)
    return np.concatenate([block.copy() for block in blocks])


def expected_scores(retrieval: RetrievalSet, k1: int, k2: int, lambda_: float) -> np.ndarray:
    features = np.concatenate([retrieval.query_features, retrieval.gallery_features])
    queries = len(retrieval.query_features)
    return -published(features, k1, k2, lambda_)[:queries, queries:]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("k1", "k2", "lambda_"),
    [(20, 6, 0.3), (5, 2, 0.3), (7, 1, 0.0), (6, 3, 0.8), (1, 1, 0.5), (3, 4, 0.1), (9, 5, 1.0)],
)
def test_p3_the_published_algorithm_gives_the_same_distances(
    clustered: Clustered, k1: int, k2: int, lambda_: float, seed: int
) -> None:
    retrieval = clustered(25, 80, persons=7, noise=1.0, seed=seed)
    expected = expected_scores(retrieval, k1, k2, lambda_)[retrieval.valid_queries]
    np.testing.assert_allclose(scores_of(retrieval, k1, k2, lambda_), expected, atol=1e-5)


def test_p3_the_published_algorithm_gives_the_same_metrics(clustered: Clustered, looped: Looped) -> None:
    retrieval = clustered(100, 600, persons=25, cameras=6, noise=1.0)
    expected = looped(retrieval, expected_scores(retrieval, 20, 6, 0.3)).values()
    metrics = evaluate(retrieval, reranked_scores(retrieval))

    assert 0.5 < metrics.mAP < 0.99
    assert metrics.mAP == pytest.approx(np.mean([ranking.average_precision for ranking in expected]), abs=1e-4)
    assert metrics.mINP == pytest.approx(np.mean([ranking.inverse_negative_penalty for ranking in expected]), abs=1e-4)
    assert metrics.recall1 == pytest.approx(np.mean([ranking.first_rank == 1 for ranking in expected]), abs=1e-4)


def test_p3_the_published_algorithm_gives_the_same_ranked_lists_but_for_ties(clustered: Clustered) -> None:
    retrieval = clustered(40, 600, persons=25, cameras=6, noise=1.0)
    expected = expected_scores(retrieval, 20, 6, 0.3)[retrieval.valid_queries]
    order = np.argsort(-scores_of(retrieval, 20, 6, 0.3), axis=1, kind="stable")
    published_order = np.argsort(-expected, axis=1, kind="stable")

    places, published_places = (np.take_along_axis(expected, each, axis=1) for each in (order, published_order))
    np.testing.assert_allclose(places, published_places, atol=1e-6)
    assert np.mean(order == published_order) > 0.99


def test_re_ranking_helps_where_persons_form_clusters(clustered: Clustered) -> None:
    retrieval = clustered(200, 1500, persons=60, cameras=6, width=64, noise=1.6)
    before, after = evaluate(retrieval), evaluate(retrieval, reranked_scores(retrieval))
    assert 0.3 < before.mAP < 0.95
    assert after.mAP > before.mAP + 0.05


def test_with_lambda_one_the_ranking_is_the_original_one(clustered: Clustered) -> None:
    retrieval = clustered()
    assert evaluate(retrieval, reranked_scores(retrieval, lambda_=1.0)).mAP == pytest.approx(evaluate(retrieval).mAP)


def all_against_all(features: np.ndarray, persons: np.ndarray) -> RetrievalSet:
    """A set without parts: every image is a query against all others."""
    images = np.arange(len(persons))
    return RetrievalSet.of(
        query_features=features,
        gallery_features=features,
        query_persons=persons,
        gallery_persons=persons,
        query_images=images,
        gallery_images=images,
    )


def test_p3_an_image_that_is_query_and_gallery_takes_part_once(clustered: Clustered) -> None:
    features = clustered(1, 60, persons=5).gallery_features
    retrieval = all_against_all(features, np.arange(len(features)) % 5 + 1)

    np.testing.assert_allclose(scores_of(retrieval, 6, 3, 0.3), -published(features, 6, 3, 0.3), atol=1e-5)


def test_p3_junk_takes_no_part_distractors_and_skipped_queries_do(clustered: Clustered) -> None:
    source = clustered(12, 60, persons=5)
    query_persons = source.query_persons.copy()
    query_persons[:3] = [-1, 0, 99]
    retrieval = RetrievalSet.of(
        query_features=source.query_features,
        gallery_features=source.gallery_features,
        query_persons=query_persons,
        gallery_persons=np.where(np.arange(len(source.gallery_persons)) % 7 == 0, -1, source.gallery_persons),
    )
    assert retrieval.junk_dropped > 0
    assert retrieval.valid_queries.tolist() == list(range(3, 12))

    everyone = np.concatenate([retrieval.query_features[1:], retrieval.gallery_features])
    np.testing.assert_allclose(scores_of(retrieval, 6, 3, 0.3), -published(everyone, 6, 3, 0.3)[2:11, 11:], atol=1e-5)


def test_identical_images_give_numbers() -> None:
    retrieval = all_against_all(np.ones((40, 8)), np.arange(40) % 3 + 1)
    scores = scores_of(retrieval, 20, 6, 0.3)

    assert np.isfinite(scores).all()
    assert 0 < evaluate(retrieval, [scores]).mAP <= 1


def test_a_set_of_k1_images_is_too_small(clustered: Clustered) -> None:
    retrieval = clustered(5, 40)
    images = 5 + len(retrieval.gallery_persons)

    assert np.isfinite(scores_of(retrieval, images - 1, 6, 0.3)).all()
    with pytest.raises(FeaturesError, match=rf"more than k1 = {images} images(.|\n)*got: {images}"):
        reranked_scores(retrieval, k1=images)


@pytest.mark.parametrize(
    "settings",
    [{"k1": 0}, {"k2": 0}, {"k1": 4, "k2": 6}, {"lambda_": -0.1}, {"lambda_": 1.1}, {"lambda_": float("nan")}],
)
def test_settings_out_of_range_are_refused(clustered: Clustered, settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="settings out of range"):
        reranked_scores(clustered(), **settings)  # type: ignore[arg-type]


def test_one_camera_only_leaves_nothing_to_re_rank(clustered: Clustered) -> None:
    retrieval = clustered(cameras=1)
    with pytest.raises(FeaturesError, match="no query can be evaluated"):
        evaluate(retrieval, reranked_scores(retrieval))


@pytest.mark.parametrize("noise", [0.0, 0.7, 3.0])
@pytest.mark.parametrize("memory", [0.07, 0.12])
def test_p4_the_memory_is_kept_to(clustered: Clustered, memory: float, noise: float) -> None:
    retrieval = clustered(1500, 8500, persons=500, width=32, noise=noise)

    tracemalloc.start()
    metrics = evaluate(retrieval, reranked_scores(retrieval, memory=memory))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert metrics.queries > 1400
    assert peak < memory * 1e9


def test_p4_less_memory_gives_smaller_blocks_of_the_same_scores(clustered: Clustered) -> None:
    retrieval = clustered(300, 5000, persons=300)
    little, much = ([block.copy() for block in reranked_scores(retrieval, memory=memory)] for memory in (0.05, 1.0))

    assert len(little) > len(much) == 1
    np.testing.assert_allclose(np.concatenate(little), much[0], atol=1e-5)


def test_it_tells_how_many_rows_are_done(clustered: Clustered, monkeypatch: pytest.MonkeyPatch) -> None:
    retrieval = clustered(30, 90)
    monkeypatch.setattr(scored, "BLOCK_SCORES", 10 * 120)
    monkeypatch.setattr(reranking, "ENOUGH_ROWS", 1)
    told: list[tuple[int, int]] = []

    blocks = [len(block) for block in reranked_scores(retrieval, progress=lambda *rows: told.append(rows))]

    images, queries = 30 + len(retrieval.gallery_features), sum(blocks)
    assert {total for _, total in told} == {images + queries}
    done = [rows for rows, _ in told]
    assert done == sorted(done)
    assert done[done.index(images) :] == [images, *(images + np.cumsum(blocks)).tolist()]
    assert done.index(images) > 1


def test_p4_too_little_memory_is_refused_with_what_is_needed(clustered: Clustered) -> None:
    retrieval = clustered()
    with pytest.raises(UsageError, match=r"at least 0.03 GB(.|\n)*got: 0.02 GB"):
        reranked_scores(retrieval, memory=0.02)


MSMT17_SIZE = """
import json
from pathlib import Path
import numpy as np
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.reranking import (
    BYTES_PER_SCORE,
    FEWEST_ROWS,
    WORK_BYTES,
    neighbour_weights,
    reranked_scores,
    scores_at_once,
    shared_weights,
)

draw = np.random.default_rng(0)
centres = draw.standard_normal((3060, 512), dtype=np.float32)
persons = {"query": draw.integers(0, 3060, 11659), "gallery": draw.integers(0, 3060, 82161)}
parts = {}
for part, of in persons.items():
    features = draw.standard_normal((len(of), 512), dtype=np.float32)
    features *= 2.5
    for start in range(0, len(of), 1000):
        features[start : start + 1000] += centres[of[start : start + 1000]]
    parts |= {f"{part}_features": features, f"{part}_persons": of + 1}
    parts[f"{part}_cameras"] = draw.integers(0, 15, len(of))
retrieval = RetrievalSet.of(**parts)
parts.clear()
plain, metrics = evaluate(retrieval), evaluate(retrieval, reranked_scores(retrieval))
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0]) / 1e6
print(json.dumps({"queries": metrics.queries, "plain": plain.mAP, "mAP": metrics.mAP, "GB": peak}))
"""
"""A process of its own, so that only its memory counts."""


@pytest.mark.soak
def test_p4_msmt17_fits_into_3_gb() -> None:
    done = subprocess.run([sys.executable, "-c", MSMT17_SIZE], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)

    assert found["queries"] > 11_600
    assert 0.2 < found["plain"] + 0.05 < found["mAP"] <= 1
    assert found["GB"] < 3


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


def rows(count: int) -> st.SearchStrategy[np.ndarray]:
    return arrays.arrays(np.float32, (count, 9), elements=WEIGHTS, fill=st.nothing())


@given(rows(7), rows(5), st.sampled_from([1, 4, 1000]))
def test_each_pair_that_shares_a_neighbour_comes_once_with_the_sum_of_minima(
    queries: np.ndarray, gallery: np.ndarray, pairs_at_once: int
) -> None:
    found = np.zeros((7, 5), dtype=np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reranking, "PAIRS_AT_ONCE", pairs_at_once)
        parts = list(shared_weights(sparse.csr_array(queries), sparse.csr_array(gallery.T)))
    for query, image, shared in parts:
        assert (found[query, image] == 0).all()
        found[query, image] = shared

    np.testing.assert_array_equal(found, np.minimum(queries[:, None], gallery[None]).sum(axis=2))


def test_p4_few_pairs_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reranking, "PAIRS_AT_ONCE", 12)
    queries = sparse.csr_array(np.eye(10, 4, dtype=np.float32) + np.eye(10, 4, -4, dtype=np.float32))
    holders = sparse.csr_array(np.ones((4, 5), dtype=np.float32))  # 5 pairs for each of the first 8 queries

    parts = [np.unique(query).tolist() for query, _, _ in shared_weights(queries, holders)]

    assert [part for part in parts if part] == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_p4_blocks_get_what_the_rest_leaves() -> None:
    assert scores_at_once(0.5, 100_000, 350_000_000) * BYTES_PER_SCORE == 500_000_000 - 350_000_000 - WORK_BYTES


@pytest.mark.parametrize(("width", "most"), [(1000, scored.BLOCK_SCORES), (100_000, 512 * 100_000)])
def test_much_memory_gives_no_larger_blocks_than_help(width: int, most: int) -> None:
    assert scores_at_once(1000.0, width, 0) == scores_at_once(float("inf"), width, 0) == most


def test_memory_for_the_fewest_rows_is_enough_and_a_byte_less_is_not() -> None:
    needed = 7_000_000 + WORK_BYTES + FEWEST_ROWS * 50_000 * BYTES_PER_SCORE

    assert scores_at_once(needed / 1e9, 50_000, 7_000_000) == FEWEST_ROWS * 50_000
    with pytest.raises(UsageError, match=r"too little memory(.|\n)*at least 0.04 GB"):
        scores_at_once((needed - 1) / 1e9, 50_000, 7_000_000)


@pytest.mark.parametrize("memory", [0.0, -1.0, float("nan"), float("-inf")])
def test_what_is_no_memory_at_all_is_refused(memory: float) -> None:
    with pytest.raises(UsageError, match="too little memory"):
        scores_at_once(memory, 1, 0)
