"""ROC and TMR@FMR against scikit-learn, a plain loop over all pairs, and an example worked by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from reseen.errors import FeaturesError
from reseen.evaluation import verification as module
from reseen.evaluation.metrics import cosine_scores
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.verification import Verification
from reseen.scores.histogram import STEPS

Clustered = Callable[..., RetrievalSet]


def looped_pairs(retrieval: RetrievalSet, scores: np.ndarray) -> tuple[list[bool], list[float]]:
    """Whether each pair is same, and its score, over the valid queries."""
    same, kept = [], []
    for query in retrieval.valid_queries:
        for place in range(scores.shape[1]):
            camera = retrieval.query_cameras[query]
            if camera == -1 or camera != retrieval.gallery_cameras[place]:
                same.append(bool(retrieval.query_persons[query] == retrieval.gallery_persons[place]))
                kept.append(float(scores[query, place]))
    return same, kept


def collected(retrieval: RetrievalSet, scores: np.ndarray, *, blocks: int = 1) -> Verification:
    verification = Verification(retrieval)
    for queries in np.array_split(retrieval.valid_queries, blocks):
        verification.add(queries, scores[queries].astype(np.float32))
    return verification


def on_the_grid(scores: np.ndarray) -> np.ndarray:
    """Scores at multiples of 1/1024, so that every difference lies between two thresholds, and many are tied."""
    rounded: np.ndarray = np.round(np.clip(scores, -1, 1) * 1024) / 1024
    return rounded


@pytest.mark.parametrize("noise", [0.5, 1.5, 4.0])
def test_scikit_learn_draws_the_same_roc(clustered: Clustered, noise: float) -> None:
    retrieval = clustered(40, 300, persons=8, cameras=4, noise=noise)
    scores = on_the_grid(retrieval.query_features @ retrieval.gallery_features.T)

    roc = collected(retrieval, scores, blocks=3).roc()

    fmr, tmr, thresholds = roc_curve(*looped_pairs(retrieval, scores), drop_intermediate=False)
    np.testing.assert_allclose(roc.fmr, fmr, atol=1e-12)
    np.testing.assert_allclose(roc.tmr, tmr, atol=1e-12)
    np.testing.assert_allclose(roc.thresholds[1:], thresholds[1:], atol=1e-12)
    assert roc.tmr[0] == roc.fmr[0] == 0


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.01, 0.1, 0.5]))
def test_the_plain_loop_finds_the_same_tmr(clustered: Clustered, seed: int, fmr: float) -> None:
    retrieval = clustered(20, 200, persons=6, noise=1.5, seed=seed)
    scores = retrieval.query_features @ retrieval.gallery_features.T
    same, kept = map(np.array, looped_pairs(retrieval, scores))
    different = kept[~same]

    point = collected(retrieval, scores, blocks=2).at(fmr)

    if fmr * len(different) < 30:
        assert point == module.VerificationPoint(fmr, supported=False)
        return
    assert point.threshold is not None
    assert point.measured_fmr is not None
    assert point.measured_fmr == pytest.approx(np.mean(different >= point.threshold))
    assert point.tmr == pytest.approx(np.mean(kept[same] >= point.threshold))
    assert point.measured_fmr <= fmr
    assert np.mean(different >= point.threshold - 1 / STEPS) > fmr


def test_worked_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_ERRORS", 1)
    retrieval = RetrievalSet.of(
        query_features=np.ones((2, 1)),
        gallery_features=np.ones((7, 1)),
        query_persons=np.array([1, 2]),
        gallery_persons=np.array([1, 1, 2, 0, 2, -1, 1]),
        query_cameras=np.array([1, 2]),
        gallery_cameras=np.array([1, 2, 2, 3, 1, 2, 3]),
    )
    # gallery without junk: 1@1, 1@2, 2@2, 0@3, 2@1, 1@3
    scores = np.array([[0.9, 0.5, 0.25, 0.75, 0.9, 0.625], [0.25, 0.9, 0.9, 0.125, 0.375, 0.5]])
    # 1@1: same 1@2 .5, 1@3 .625; different 2@2 .25, 0@3 .75. 2@2: same 2@1 .375; different .25, .125, .5
    verification = collected(retrieval, scores)

    roc = verification.roc()
    assert roc.thresholds[1:].tolist() == [0.75, 0.625, 0.5, 0.375, 0.25, 0.125]
    assert (roc.fmr * 5).round(9).tolist() == [0, 1, 1, 2, 2, 4, 5]
    assert (roc.tmr * 3).round(9).tolist() == [0, 0, 1, 2, 3, 3, 3]
    point = verification.at(0.2)
    assert (point.threshold, point.measured_fmr) == (0.5 + 1 / STEPS, 0.2)
    assert point.tmr == pytest.approx(1 / 3)
    assert point.tmr_interval is not None
    assert (point.tmr_interval.low, point.tmr_interval.high) == (0, 0.5)


def test_the_order_of_the_gallery_does_not_matter(clustered: Clustered) -> None:
    retrieval = clustered(20, 150)
    order = np.random.default_rng(0).permutation(len(retrieval.gallery_persons))
    shuffled = RetrievalSet.of(
        query_features=retrieval.query_features,
        gallery_features=retrieval.gallery_features[order],
        query_persons=retrieval.query_persons,
        gallery_persons=retrieval.gallery_persons[order],
        query_cameras=retrieval.query_cameras,
        gallery_cameras=retrieval.gallery_cameras[order],
    )
    scores = retrieval.query_features @ retrieval.gallery_features.T

    assert collected(shuffled, scores[:, order]).at(0.1) == collected(retrieval, scores).at(0.1)


def test_a_rate_that_the_pairs_cannot_support_is_not_told(clustered: Clustered) -> None:
    retrieval = clustered(40, 300)
    verification = collected(retrieval, retrieval.query_features @ retrieval.gallery_features.T)
    pairs = verification.different.total

    assert verification.at(30 / pairs).supported
    assert verification.at(29.5 / pairs) == module.VerificationPoint(29.5 / pairs, supported=False)


def test_one_person_has_a_rate_without_an_interval(clustered: Clustered) -> None:
    retrieval = clustered(10, 200, persons=1)
    point = collected(retrieval, retrieval.query_features @ retrieval.gallery_features.T).at(0.5)

    assert point.supported
    assert point.tmr_interval is None


def test_nothing_but_same_pairs_is_an_error() -> None:
    retrieval = RetrievalSet.of(
        query_features=np.ones((1, 1)),
        gallery_features=np.ones((1, 1)),
        query_persons=np.array([1]),
        gallery_persons=np.array([1]),
    )
    with pytest.raises(FeaturesError, match=r"no pairs to verify(.|\n)*1 same-person pairs, 0 different-person pairs"):
        collected(retrieval, np.ones((1, 1))).roc()


def test_p4_any_number_of_pairs_at_once_gives_the_same(clustered: Clustered, monkeypatch: pytest.MonkeyPatch) -> None:
    retrieval = clustered(30, 100)
    whole = Verification(retrieval)
    for block in cosine_scores(retrieval):
        whole.add(retrieval.valid_queries, block)
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", 1)

    piecewise = collected(retrieval, retrieval.query_features @ retrieval.gallery_features.T, blocks=4)

    assert piecewise.different.total == whole.different.total
    np.testing.assert_allclose(piecewise.roc().tmr[-1], 1)
