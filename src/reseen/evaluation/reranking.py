"""k-reciprocal re-ranking on nearest-neighbour lists and sparse rows: never an N×N matrix.

Source: Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017. Two images are close
when they have neighbours in common (Jaccard distance, equation 10), and that distance is blended with the original one
(equation 12): as in the authors' code, the squared Euclidean one divided by the image's largest.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reseen.errors import FeaturesError, UsageError
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.reranking_memory import DEFAULT_MEMORY, scores_at_once
from reseen.evaluation.reranking_overlap import shared_weights
from reseen.evaluation.reranking_weights import neighbour_weights
from reseen.scores.blocks import RowsDone, row_blocks
from reseen.scores.labels import JUNK
from reseen.scores.nearest import nearest_images
from reseen.shapes import Float32, Int64


def reranked_scores(
    retrieval: RetrievalSet,
    *,
    k1: int = 20,
    k2: int = 6,
    lambda_: float = 0.3,
    memory: float = DEFAULT_MEMORY,
    progress: RowsDone | None = None,
) -> Iterator[Float32[np.ndarray, "_ g"]]:
    """Scores for `evaluate`: the re-ranked distances of the valid queries to the gallery, negated.

    All queries take part in the neighbourhoods, as published, except junk. A query that is in the gallery too
    (`RetrievalSet.query_images`) takes part once. Nothing is computed before the first block is asked for.

    Args:
        retrieval: the queries and the gallery.
        k1: size of the neighbourhood that must be mutual.
        k2: number of nearest images whose weights are averaged.
        lambda_: share of the original distance in the result, 0..1.
        memory: GB that this takes at most beside the features. Larger blocks of scores are not always faster, so
            that it may take much less.
        progress: told how far this has come: a row for each image whose neighbours are found, and for each query.

    Returns:
        Blocks of rows for `retrieval.valid_queries` in their order; a block is good until the next one.

    Raises:
        UsageError: k1, k2 or lambda_ out of range, or too little memory.
        FeaturesError: the set holds no more than k1 images.
    """
    if not (k1 >= 1 and 1 <= k2 <= k1 + 1 and 0 <= lambda_ <= 1):
        raise UsageError(
            "unusable settings of the re-ranking",
            expected="k1 ≥ 1, 1 ≤ k2 ≤ k1 + 1, 0 ≤ lambda ≤ 1",
            got=f"k1 = {k1}, k2 = {k2}, lambda = {lambda_}",
            cure="choose settings in these ranges; those of the paper are k1 = 20, k2 = 6, lambda = 0.3",
        )
    places = _places(retrieval)
    count = max(int(places.max()) + 1, len(retrieval.gallery_features))
    if count <= k1:
        raise FeaturesError(
            "too few images to re-rank",
            expected=f"more than k1 = {k1} images in query and gallery together",
            got=str(count),
            cure="choose a smaller k1, or evaluate without re-ranking",
        )
    kept = count * (retrieval.gallery_features.shape[1] * 4 + _sparse_bytes(k1, k2))
    at_once = scores_at_once(memory, count, kept)
    return _blended(retrieval, places, k1=k1, k2=k2, lambda_=lambda_, at_once=at_once, progress=progress)


def _sparse_bytes(k1: int, k2: int) -> int:
    """What one image's lists and weights take: float32 and int32, k1 neighbours, up to k2 times as many averaged.

    An estimate from above: three quarters of it at most were seen, on features with and without clusters.
    """
    return 8 * (k1 + 1) * (2 * k2 + 8)


def _places(retrieval: RetrievalSet) -> Int64[np.ndarray, " q"]:
    """Place of each query among all images that take part, the gallery first; -1 for junk."""
    gallery = len(retrieval.gallery_features)
    places = np.full(len(retrieval.query_features), -1)
    if retrieval.query_images is not None and retrieval.gallery_images is not None:
        _, queries, same = np.intersect1d(retrieval.query_images, retrieval.gallery_images, return_indices=True)
        places[queries] = same
    added = np.flatnonzero((places < 0) & (retrieval.query_persons != JUNK))
    places[added] = gallery + np.arange(len(added))
    return places


def _blended(
    retrieval: RetrievalSet,
    places: Int64[np.ndarray, " q"],
    *,
    k1: int,
    k2: int,
    lambda_: float,
    at_once: int,
    progress: RowsDone | None,
) -> Iterator[Float32[np.ndarray, "_ g"]]:
    """Blocks of negated final distances (equation 12)."""
    gallery, queries = retrieval.gallery_features, places[retrieval.valid_queries]
    features = np.concatenate([gallery, retrieval.query_features[places >= len(gallery)]])

    def done(rows: int) -> None:
        if progress is not None:
            progress(rows, len(features) + len(queries))

    nearest, farthest = nearest_images(features, k1 + 1, at_once, done)
    weights = neighbour_weights(features, nearest, farthest, k2)
    holders, own = weights[: len(gallery)].T.tocsr(), weights[queries]
    del nearest, weights
    blocks = row_blocks(len(queries), len(gallery) + gallery.shape[1], at_once)
    buffer = np.empty((blocks[0].stop, len(gallery)), dtype=np.float32)
    for block in blocks:
        asking = queries[block]
        scores = np.matmul(features[asking], gallery.T, out=buffer[: len(asking)])
        # -λ (2 - 2 s) / farthest - (1 - λ) (1 - jaccard similarity): the last term only where anything is shared
        share = 2 * lambda_ / farthest[asking, None]
        scores *= share
        scores -= share + np.float32(1 - lambda_)
        for query, image, shared in shared_weights(own[block], holders):
            scores[query, image] += np.float32(1 - lambda_) * shared / (2 - shared)
        done(len(features) + block.stop)
        yield scores
