"""DIR@FPIR against a plain loop over searches, and an example worked by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.errors import FeaturesError
from reseen.evaluation import open_set as module
from reseen.evaluation.open_set import OpenSet, OpenSetPoint
from reseen.evaluation.protocol import RetrievalSet

Clustered = Callable[..., RetrievalSet]


def collected(retrieval: RetrievalSet, scores: np.ndarray, *, blocks: int = 1, share: float = 0.5) -> OpenSet:
    found = OpenSet(retrieval, share=share)
    for queries in np.array_split(retrieval.valid_queries, blocks):
        found.add(queries, scores[queries].astype(np.float32))
    return found


def looped(retrieval: RetrievalSet, scores: np.ndarray, strangers: set[int], threshold: float) -> tuple[float, float]:
    """FPIR and DIR, one search after the other."""
    false, right = [], []
    for query in retrieval.valid_queries:
        person, camera = retrieval.query_persons[query], retrieval.query_cameras[query]
        entries = [
            (scores[query, place], -place, retrieval.gallery_persons[place])
            for place in range(scores.shape[1])
            if retrieval.gallery_persons[place] not in strangers
            and (retrieval.gallery_persons[place], retrieval.gallery_cameras[place]) != (person, camera)
        ]
        score, _, named = max(entries)
        if person in strangers:
            false.append(score >= threshold)
        else:
            right.append(score >= threshold and named == person)
    return float(np.mean(false)), float(np.mean(right))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.2, 0.5]), st.sampled_from([0.3, 0.7]))
def test_the_plain_loop_finds_the_same_rates(clustered: Clustered, seed: int, fpir: float, share: float) -> None:
    retrieval = clustered(40, 120, persons=8, noise=1.5, seed=seed)
    scores = np.round(retrieval.query_features @ retrieval.gallery_features.T * 50) / 50  # many are tied
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MIN_ERRORS", 1)
        found = collected(retrieval, scores, blocks=3, share=share)
        point = found.at(fpir)

    strangers = set(found.strangers.tolist())
    assert len(strangers) == round(share * len(set(retrieval.query_persons[retrieval.valid_queries].tolist())))
    if point.supported:
        assert point.threshold is not None
        assert point.measured_fpir is not None
        assert (point.measured_fpir, point.dir) == looped(retrieval, scores, strangers, point.threshold)
        assert point.measured_fpir <= fpir
        lower = np.nextafter(np.float32(point.threshold), np.float32(-2))
        assert looped(retrieval, scores, strangers, lower)[0] > fpir


def test_worked_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_ERRORS", 1)
    retrieval = RetrievalSet.of(
        query_features=np.ones((6, 1)),
        gallery_features=np.ones((5, 1)),
        query_persons=np.array([1, 1, 1, 2, 2, 2]),
        gallery_persons=np.array([1, 2, 0, 1, 2]),
        query_cameras=np.array([1, 1, 1, 2, 2, 2]),
        gallery_cameras=np.array([2, 1, 1, 1, 2]),
    )
    found = OpenSet(retrieval)
    stranger = int(found.strangers[0])
    # What the enrolled person's images 0 and 1 and the distractor score; the third is the enrolled's own camera's.
    enrolled, other = (0, 1) if stranger == 2 else (1, 0)
    own = {0: 3, 1: 4}[enrolled]
    rows = {
        True: [(0.9, 0.2, 1.0), (0.3, 0.8, 1.0), (0.6, 0.1, 0.9)],
        False: [(0.5, 0.7, 0.1), (0.4, 0.2, 0.1), (0.8, 0.1, 0.2)],
    }
    scores = np.zeros((6, 5))
    for query, person in enumerate(retrieval.query_persons):
        match, distractor, own_camera = rows[person != stranger][query % 3]
        scores[query, [enrolled, 2, own]] = match, distractor, own_camera
        scores[query, [other, {0: 3, 1: 4}[other]]] = 1.0  # the stranger's own images, which are not enrolled
    found.add(np.arange(6), scores.astype(np.float32))

    # The strangers' first entries score .7, .4, .8; one of three may be named, so the threshold is just above .7.
    point = found.at(0.34)
    assert point.threshold == pytest.approx(0.7, abs=1e-6)
    assert point.threshold is not None
    assert point.threshold > np.float32(0.7)
    assert point.measured_fpir == pytest.approx(1 / 3)
    # Of the enrolled person's searches .9 is right, .8 names the distractor, .6 is below the threshold.
    assert point.dir == pytest.approx(1 / 3)
    assert found.enrolled_people == 1


def test_a_rate_that_the_strangers_cannot_support_is_not_told(clustered: Clustered) -> None:
    retrieval = clustered(200, 300, persons=20)
    found = collected(retrieval, retrieval.query_features @ retrieval.gallery_features.T)
    strangers = sum(retrieval.query_persons[query] in found.strangers for query in retrieval.valid_queries)

    assert found.at(30.5 / strangers).supported
    assert found.at(29.5 / strangers) == OpenSetPoint(29.5 / strangers, supported=False)
    assert found.at(1.0) == OpenSetPoint(1.0, supported=False)


def test_the_interval_lies_around_the_rate(clustered: Clustered) -> None:
    retrieval = clustered(300, 900, persons=60, noise=1.6)
    point = collected(retrieval, retrieval.query_features @ retrieval.gallery_features.T).at(0.3)

    assert point.dir is not None
    assert point.dir_interval is not None
    assert 0 <= point.dir_interval.low < point.dir < point.dir_interval.high <= 1


def test_the_same_seed_makes_strangers_of_the_same_people(clustered: Clustered) -> None:
    retrieval = clustered(100, 300, persons=20)

    assert OpenSet(retrieval).strangers.tolist() == OpenSet(retrieval).strangers.tolist()
    assert OpenSet(retrieval).strangers.tolist() != OpenSet(retrieval, seed=1).strangers.tolist()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_somebody_is_a_stranger_and_somebody_is_not(clustered: Clustered, share: float) -> None:
    found = OpenSet(clustered(30, 100, persons=3), share=share)

    assert len(found.strangers) == (1 if share == 0 else 2)
    assert found.enrolled_people == 3 - len(found.strangers)


def test_the_scores_are_left_unchanged(clustered: Clustered) -> None:
    retrieval = clustered(20, 60)
    scores = retrieval.query_features @ retrieval.gallery_features.T
    before = scores.copy()
    OpenSet(retrieval).add(retrieval.valid_queries, scores[retrieval.valid_queries])
    np.testing.assert_array_equal(scores, before)


def test_one_person_cannot_be_divided(clustered: Clustered) -> None:
    with pytest.raises(FeaturesError, match=r"too few people for open-set identification(.|\n)*got: 1"):
        OpenSet(clustered(5, 40, persons=1))
