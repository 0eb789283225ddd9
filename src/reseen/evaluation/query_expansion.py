"""Average query expansion: ask again with the mean of the query and what it found first.

Source: Chum et al., "Total Recall: Automatic Query Expansion with a Generative Feature Model for Object Retrieval",
ICCV 2007 (average query expansion, without the spatial verification); weighted by similarity to the power of alpha:
Radenović et al., "Fine-tuning CNN Image Retrieval with No Human Annotation", TPAMI 2018, section 3.4 (α-QE).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reseen.errors import FeaturesError, UsageError
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.reranking import DEFAULT_MEMORY, scores_at_once
from reseen.scores.blocks import RowsDone, row_blocks
from reseen.scores.nearest import largest
from reseen.shapes import Float32

NO_DIRECTION = np.float32(1e-6)
"""A sum of unit rows shorter than this is a rounding error."""


def expanded_scores(
    retrieval: RetrievalSet,
    *,
    neighbours: int = 5,
    alpha: float = 0.0,
    memory: float = DEFAULT_MEMORY,
    progress: RowsDone | None = None,
) -> Iterator[Float32[np.ndarray, "_ g"]]:
    """Scores for `evaluate`: cosine similarities of the expanded valid queries to the gallery.

    Any gallery image may expand a query but the query image itself. Nothing is computed before the first block is
    asked for.

    Args:
        retrieval: the queries and the gallery.
        neighbours: gallery images that a query is averaged with.
        alpha: an image weighs its similarity, or zero if that is negative, to this power: 0 for a plain average. The
            query itself weighs 1.
        memory: GB that this takes at most beside the features.
        progress: told how many queries are done, and how many there are.

    Returns:
        Blocks of rows for `retrieval.valid_queries` in their order; a block is good until the next one.

    Raises:
        UsageError: neighbours or alpha out of range, or too little memory.
        FeaturesError: the gallery holds too few images for a query.
    """
    if not (neighbours >= 1 and 0 <= alpha < np.inf):
        raise UsageError(
            "query-expansion settings out of range",
            expected="neighbours ≥ 1, alpha ≥ 0",
            got=f"neighbours = {neighbours}, alpha = {alpha}",
            cure="choose settings in these ranges, such as neighbours = 5 and alpha = 0",
        )
    gallery = retrieval.gallery_features
    # A query that is in the gallery too has one image fewer to choose from.
    others = len(gallery) - (retrieval.gallery_images is not None)
    if others < neighbours:
        raise FeaturesError(
            "too few gallery images to expand the queries with",
            expected=f"at least {neighbours} images (evaluation.reranking.neighbours) other than the query",
            got=str(others),
            cure="choose fewer neighbours, or evaluate without re-ranking",
        )
    return _expanded(retrieval, neighbours, alpha, scores_at_once(memory, _row(gallery), kept=0), progress)


def _row(gallery: Float32[np.ndarray, "g d"]) -> int:
    """Numbers worked on for each query: its scores, and some copies of its features."""
    return len(gallery) + 4 * int(gallery.shape[1])


def _expanded(
    retrieval: RetrievalSet, neighbours: int, alpha: float, at_once: int, progress: RowsDone | None
) -> Iterator[Float32[np.ndarray, "_ g"]]:
    """Blocks of similarities."""
    gallery, queries = retrieval.gallery_features, retrieval.valid_queries
    blocks = row_blocks(len(queries), _row(gallery), at_once)
    buffer = np.empty((blocks[0].stop, len(gallery)), dtype=np.float32)
    for block in blocks:
        asking = queries[block]
        features = retrieval.query_features[asking]
        scores = np.matmul(features, gallery.T, out=buffer[: len(asking)])
        pairs = retrieval.same_person(asking)
        scores[pairs.queries[pairs.own_image], pairs.gallery[pairs.own_image]] = -np.inf
        np.matmul(_averaged(features, gallery, scores, neighbours, alpha), gallery.T, out=scores)
        if progress is not None:
            progress(block.stop, len(queries))
        yield scores


def _averaged(
    features: Float32[np.ndarray, "b d"],
    gallery: Float32[np.ndarray, "g d"],
    scores: Float32[np.ndarray, "b g"],
    neighbours: int,
    alpha: float,
) -> Float32[np.ndarray, "b d"]:
    """Unit means of the queries and the gallery images they are most similar to; a query without one stays as it is."""
    found = largest(scores, neighbours)
    weights = np.maximum(np.take_along_axis(scores, found, axis=1), 0) ** np.float32(alpha)
    summed = features.copy()
    for nth in range(neighbours):
        summed += weights[:, nth, None] * gallery[found[:, nth]]
    norms = np.linalg.norm(summed, axis=1, keepdims=True)
    return np.where(norms > NO_DIRECTION, summed / np.maximum(norms, NO_DIRECTION), features)
