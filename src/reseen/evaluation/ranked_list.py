"""The first places of one query's ranked list, for looking at."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Int64

from reseen.evaluation.protocol import RetrievalSet


def ranked_list(
    retrieval: RetrievalSet, query: int, length: int
) -> tuple[Int64[np.ndarray, " k"], Float32[np.ndarray, " k"], Bool[np.ndarray, " k"]]:
    """What the protocol ranks first for a query, by cosine similarity; ties by gallery order.

    Args:
        retrieval: the queries and the gallery.
        query: place in the query set.
        length: entries wanted; fewer come back from a smaller gallery.

    Returns:
        Places in the gallery, their similarities, and whether each shows the query's person.
    """
    scores = retrieval.gallery_features @ retrieval.query_features[query]
    pairs = retrieval.same_person(np.array([query]))
    scores[pairs.gallery[pairs.excluded]] = -np.inf
    order = np.argsort(-scores, kind="stable")[:length]
    order = order[np.isfinite(scores[order])]
    return order, scores[order], np.isin(order, pairs.gallery)
