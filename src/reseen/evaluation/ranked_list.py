"""The first places of ranked lists, for looking at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reseen.evaluation.protocol import RetrievalSet
from reseen.scores.blocks import row_blocks
from reseen.scores.nearest import largest
from reseen.shapes import Bool, Float32, Int32, Int64

SCORES_AT_ONCE = 1_000_000


class RankedList(NamedTuple):
    """What is ranked first for one query.

    Attributes:
        places: in the gallery, best first; equal scores by place.
        scores: that ranked them.
        hits: whether each shows the query's person.
    """

    places: Int32[np.ndarray, " k"]
    scores: Float32[np.ndarray, " k"]
    hits: Bool[np.ndarray, " k"]


class RankedLists:
    """Collects the first places of a stream of finite scores, a few numbers for each query; see `watched`.

    Args:
        retrieval: the queries and the gallery.
        length: entries wanted of each list; lists of a smaller gallery are shorter.
    """

    def __init__(self, retrieval: RetrievalSet, length: int) -> None:
        self._retrieval = retrieval
        shape = (len(retrieval.query_persons), min(length, len(retrieval.gallery_persons)))
        self._places: Int32[np.ndarray, "q k"] = np.zeros(shape, dtype=np.int32)
        self._scores: Float32[np.ndarray, "q k"] = np.full(shape, -np.inf, dtype=np.float32)

    def add(self, queries: Int64[np.ndarray, " b"], scores: Float32[np.ndarray, "b g"]) -> None:
        """Keep the first places of some queries (places in the query set)."""
        for rows in row_blocks(len(queries), scores.shape[1], SCORES_AT_ONCE):
            pairs = self._retrieval.same_person(queries[rows])
            block = scores[rows].copy()
            block[pairs.queries[pairs.excluded], pairs.gallery[pairs.excluded]] = -np.inf
            first = largest(block, self._places.shape[1])
            self._places[queries[rows]] = first
            self._scores[queries[rows]] = np.take_along_axis(block, first, axis=1)

    def of(self, query: int) -> RankedList:
        """The list of a query (its place in the query set) whose scores were shown."""
        scores = self._scores[query]
        listed = np.isfinite(scores)  # what the protocol leaves out is not
        places = self._places[query, listed]
        person = self._retrieval.same_person(np.array([query])).gallery
        return RankedList(places, scores[listed], np.isin(places, person))


def ranked_list(retrieval: RetrievalSet, query: int, length: int) -> RankedList:
    """What the protocol ranks first for a query, by cosine similarity.

    Args:
        retrieval: the queries and the gallery.
        query: place in the query set.
        length: entries wanted; fewer come back from a smaller gallery.
    """
    lists = RankedLists(retrieval, length)
    lists.add(np.array([query]), retrieval.query_features[[query]] @ retrieval.gallery_features.T)
    return lists.of(query)
