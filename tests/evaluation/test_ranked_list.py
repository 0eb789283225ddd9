from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.evaluation import ranked_list as module
from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.ranked_list import RankedLists, ranked_list

Clustered = Callable[..., RetrievalSet]
Images = Sequence[tuple[float, int, int]]


def by_angle(query: Images, gallery: Images, images: tuple[list[int], list[int]] | None = None) -> RetrievalSet:
    """Features at angles in degrees, with person and camera; perhaps with the ids of query and gallery images."""
    query_angles, query_persons, query_cameras = map(np.array, zip(*query, strict=True))
    gallery_angles, gallery_persons, gallery_cameras = map(np.array, zip(*gallery, strict=True))
    return RetrievalSet.of(
        query_features=directions(query_angles),
        gallery_features=directions(gallery_angles),
        query_persons=query_persons,
        gallery_persons=gallery_persons,
        query_cameras=query_cameras,
        gallery_cameras=gallery_cameras,
        query_images=None if images is None else np.array(images[0]),
        gallery_images=None if images is None else np.array(images[1]),
    )


def directions(degrees: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))], axis=1)


def test_the_list_worked_by_hand() -> None:
    # From the query of person 1 by camera 1, without 2 (the same camera) and the junk at 4.
    gallery = [(60, 1, 2), (10, 2, 1), (1, 1, 1), (30, 0, 1), (0, -1, 2), (20, 1, 2)]
    retrieval = by_angle([(90, 2, 2), (0, 1, 1)], gallery)

    places, scores, hits = ranked_list(retrieval, 1, 10)

    # Places are those of the gallery without junk.
    assert places.tolist() == [1, 4, 3, 0]
    assert scores == pytest.approx([np.cos(np.deg2rad(angle)) for angle in (10, 20, 30, 60)], abs=1e-6)
    assert hits.tolist() == [False, True, False, True]


def test_equal_scores_are_listed_in_gallery_order() -> None:
    retrieval = by_angle([(0, 1, 1)], [(40, 2, 2), (5, 3, 2), (5, 1, 2), (5, 4, 2)])

    assert ranked_list(retrieval, 0, 4)[0].tolist() == [1, 2, 3, 0]


def test_the_query_image_itself_is_not_listed() -> None:
    retrieval = by_angle([(0, 1, -1)], [(10, 2, -1), (0, 1, -1), (20, 1, -1)], images=([7], [5, 7, 6]))

    places, _, hits = ranked_list(retrieval, 0, 3)

    assert places.tolist() == [0, 2]
    assert hits.tolist() == [False, True]


def test_a_query_without_a_match_has_a_list_without_hits() -> None:
    retrieval = by_angle([(0, 9, 1), (0, 1, 1)], [(10, 1, 2), (20, 2, 2)])

    places, _, hits = ranked_list(retrieval, 0, 2)

    assert places.tolist() == [0, 1]
    assert not hits.any()


@pytest.mark.parametrize("length", [1, 5, 1000])
def test_matches_stand_at_the_ranks_that_are_measured(length: int, clustered: Clustered) -> None:
    retrieval = clustered(queries=20, gallery=70)
    metrics = evaluate(retrieval)

    for query, first, last in zip(metrics.valid_queries, metrics.first_rank, metrics.last_rank, strict=True):
        places, scores, hits = ranked_list(retrieval, int(query), length)
        assert len(places) == len(scores) == len(hits) <= length
        assert (np.diff(scores) <= 0).all()
        assert scores == pytest.approx(retrieval.gallery_features[places] @ retrieval.query_features[query], abs=1e-6)
        ranks = np.flatnonzero(hits) + 1
        assert ranks.size == 0 if first > length else ranks[0] == first
        assert last > length or ranks[-1] == last


def test_listing_leaves_the_features_as_they_were(clustered: Clustered) -> None:
    retrieval = clustered()
    before = retrieval.gallery_features.copy()

    ranked_list(retrieval, 0, 3)

    assert np.array_equal(retrieval.gallery_features, before)


@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 90), ties=st.sampled_from([2, 1000]))
def test_lists_of_a_stream_are_those_of_sorting_each_row(
    seed: int, length: int, ties: int, clustered: Clustered
) -> None:
    retrieval = clustered(queries=15, gallery=70, seed=seed)
    draw = np.random.default_rng(seed)
    scores = (draw.integers(-ties, ties, (15, len(retrieval.gallery_persons))) / ties).astype(np.float32)
    lists = RankedLists(retrieval, length)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SCORES_AT_ONCE", 200)
        for queries in np.array_split(np.arange(15), 4):
            lists.add(queries, scores[queries])

    for query, (person, camera) in enumerate(zip(retrieval.query_persons, retrieval.query_cameras, strict=True)):
        own = (retrieval.gallery_persons == person) & (retrieval.gallery_cameras == camera)
        order = [place for place in np.argsort(-scores[query], kind="stable") if not own[place]]
        found = lists.of(query)
        assert found.places.tolist() == order[: len(found.places)]
        assert len(found.places) == min(length, len(order))
        assert found.scores.tolist() == scores[query, found.places].tolist()
        assert found.hits.tolist() == (retrieval.gallery_persons[found.places] == person).tolist()
