"""The list that is looked at is the list that is measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.ranked_list import ranked_list


def test_the_matches_stand_at_the_ranks_that_are_measured(clustered: Callable[..., RetrievalSet]) -> None:
    retrieval = clustered(20, 80, persons=6)
    metrics = evaluate(retrieval)
    for query, first, last in zip(metrics.valid_queries, metrics.first_rank, metrics.last_rank, strict=True):
        places, similarities, matches = ranked_list(retrieval, int(query), 80)
        ranks = np.flatnonzero(matches) + 1

        assert (ranks[0], ranks[-1]) == (first, last)
        assert (np.diff(similarities) <= 0).all()
        assert (retrieval.gallery_persons[places[matches]] == retrieval.query_persons[query]).all()
        cosines = retrieval.gallery_features[places] @ retrieval.query_features[query]
        assert similarities == pytest.approx(cosines, abs=1e-6)


def test_excluded_images_are_not_listed_and_ties_follow_the_gallery() -> None:
    retrieval = RetrievalSet.of(
        query_features=np.eye(1, 3),
        gallery_features=np.ones((5, 1)) * np.eye(1, 3),
        query_persons=np.array([1]),
        gallery_persons=np.array([2, 1, 1, 0, 1]),
        query_cameras=np.array([7]),
        gallery_cameras=np.array([7, 7, 8, 7, 9]),
    )

    places, _, matches = ranked_list(retrieval, 0, 3)
    assert (places.tolist(), matches.tolist()) == ([0, 2, 3], [False, True, False])
    assert ranked_list(retrieval, 0, 10)[0].tolist() == [0, 2, 3, 4]
