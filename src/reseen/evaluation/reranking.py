"""k-reciprocal re-ranking on nearest-neighbour lists and sparse rows: never an N×N matrix.

Source: Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017. Every image is
described by weights over its k-reciprocal neighbours (equations 3, 4 and 7), averaged over its nearest images (equation
11); two images are close when their weights overlap (Jaccard distance, equation 10), and that distance is blended with
the original one (equation 12). As in the authors' code, the original distance is the squared Euclidean one divided by
the image's largest, and the lists that expand a neighbourhood hold round(k1 / 2) images.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy import sparse

from reseen.errors import FeaturesError, UsageError
from reseen.evaluation.labels import JUNK
from reseen.evaluation.nearest import nearest_images
from reseen.evaluation.protocol import RetrievalSet, row_blocks

PAIRS_AT_ONCE = 4096
"""Pairs of features multiplied at once when only some similarities are wanted; small enough for the cache."""


def reranked_scores(
    retrieval: RetrievalSet, *, k1: int = 20, k2: int = 6, lambda_: float = 0.3
) -> Iterator[Float32[np.ndarray, "_ g"]]:
    """Scores for `evaluate`: the re-ranked distances of the valid queries to the gallery, negated.

    All queries take part in the neighbourhoods, as published, except junk. A query that is in the gallery too
    (`RetrievalSet.query_images`) takes part once.

    Args:
        retrieval: the queries and the gallery.
        k1: size of the neighbourhood that must be mutual.
        k2: number of nearest images whose weights are averaged.
        lambda_: share of the original distance in the result, 0..1.

    Returns:
        Blocks of rows for `retrieval.valid_queries` in their order; a block is good until the next one.

    Raises:
        UsageError: k1, k2 or lambda_ out of range.
        FeaturesError: the set holds no more than k1 images.
    """
    if not (k1 >= 1 and 1 <= k2 <= k1 + 1 and 0 <= lambda_ <= 1):
        raise UsageError(
            "unusable settings of the re-ranking",
            expected="k1 ≥ 1, 1 ≤ k2 ≤ k1 + 1, 0 ≤ lambda ≤ 1",
            got=f"k1 = {k1}, k2 = {k2}, lambda = {lambda_}",
            cure="choose settings in these ranges; those of the paper are k1 = 20, k2 = 6, lambda = 0.3",
        )
    features, query_nodes = _nodes(retrieval)
    if len(features) <= k1:
        raise FeaturesError(
            "too few images to re-rank",
            expected=f"more than k1 = {k1} images in query and gallery together",
            got=str(len(features)),
            cure="choose a smaller k1, or evaluate without re-ranking",
        )
    nearest, farthest = nearest_images(features, k1 + 1)
    weights = _weights(features, nearest, farthest)
    if k2 > 1:
        weights = _indicator(nearest[:, :k2]) @ weights / np.float32(k2)
    return _blended(retrieval, weights, query_nodes, farthest, lambda_)


def _nodes(retrieval: RetrievalSet) -> tuple[Float32[np.ndarray, "n d"], Int64[np.ndarray, " valid"]]:
    """Features of all images that take part, the gallery first, and the places of the valid queries among them."""
    gallery = len(retrieval.gallery_features)
    places = np.full(len(retrieval.query_features), -1)
    if retrieval.query_images is not None and retrieval.gallery_images is not None:
        _, queries, same = np.intersect1d(retrieval.query_images, retrieval.gallery_images, return_indices=True)
        places[queries] = same
    added = np.flatnonzero((places < 0) & (retrieval.query_persons != JUNK))
    places[added] = gallery + np.arange(len(added))
    features = np.concatenate([retrieval.gallery_features, retrieval.query_features[added]])
    return features, places[retrieval.valid_queries]


def _indicator(lists: Int64[np.ndarray, "n k"]) -> sparse.csr_array:
    """Sparse rows with a one at each place listed."""
    count, k = lists.shape
    ones = np.ones(lists.size, dtype=np.float32)
    return sparse.csr_array((ones, np.sort(lists).ravel(), np.arange(count + 1) * k), shape=(count, count))


def _mutual(lists: Int64[np.ndarray, "n k"]) -> sparse.csr_array:
    """The neighbours that list the image too (equation 3). Symmetric."""
    listed = _indicator(lists)
    return listed.multiply(listed.T.tocsr()).tocsr()


def _weights(
    features: Float32[np.ndarray, "n d"], nearest: Int64[np.ndarray, "n k"], farthest: Float32[np.ndarray, " n"]
) -> sparse.csr_array:
    """Weights over the expanded k-reciprocal neighbours of each image (equations 4 and 7); each row sums to one."""
    k1 = nearest.shape[1] - 1
    mutual, close = _mutual(nearest), _mutual(nearest[:, : round(k1 / 2) + 1])
    # How many of a neighbour's close images are neighbours as well: more than two thirds, and all of them join.
    overlap = (mutual @ close).multiply(mutual).tocsr()
    sizes = np.diff(close.indptr)
    overlap.data = (3 * overlap.data > 2 * sizes[overlap.indices]).astype(np.float32)
    overlap.eliminate_zeros()
    weights = (mutual + overlap @ close).tocsr()
    counts = np.diff(weights.indptr)
    row = np.repeat(np.arange(len(features)), counts)
    for start in range(0, len(row), PAIRS_AT_ONCE):
        pairs = slice(start, start + PAIRS_AT_ONCE)
        similarity = np.einsum("pd,pd->p", features[row[pairs]], features[weights.indices[pairs]])
        weights.data[pairs] = np.exp((2 * similarity - 2) / farthest[row[pairs]])
    sums = np.bincount(row, weights.data, minlength=len(features))
    weights.data /= sums[row].astype(np.float32)
    return weights


def _blended(
    retrieval: RetrievalSet,
    weights: sparse.csr_array,
    query_nodes: Int64[np.ndarray, " valid"],
    farthest: Float32[np.ndarray, " n"],
    lambda_: float,
) -> Iterator[Float32[np.ndarray, "_ g"]]:
    """Blocks of negated final distances (equation 12)."""
    gallery = retrieval.gallery_features
    holders = weights[: len(gallery)].tocsc()
    blocks = row_blocks(len(query_nodes), len(gallery))
    buffer = np.empty((blocks[0].stop, len(gallery)), dtype=np.float32)
    for block in blocks:
        nodes = query_nodes[block]
        features = retrieval.query_features[retrieval.valid_queries[block]]
        scores = np.matmul(features, gallery.T, out=buffer[: len(nodes)])
        scores -= 1
        scores *= 2 * lambda_ / farthest[nodes, None]
        for row, node in enumerate(nodes):
            scores[row] -= (1 - lambda_) * _jaccard(weights, holders, node)
        yield scores


def _jaccard(weights: sparse.csr_array, holders: sparse.csc_array, node: np.int64) -> Float64[np.ndarray, " g"]:
    """Jaccard distances of one image to the gallery (equation 10); rows of `weights` sum to one, or are empty.

    Only gallery images that share a neighbour with the image are touched: `holders` lists them by neighbour.
    """
    own = slice(weights.indptr[node], weights.indptr[node + 1])
    starts = holders.indptr[weights.indices[own]]
    counts = holders.indptr[weights.indices[own] + 1] - starts
    places = np.arange(counts.sum()) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
    smaller = np.minimum(holders.data[places], np.repeat(weights.data[own], counts))
    shared = np.bincount(holders.indices[places], smaller, minlength=holders.shape[0])
    return 1 - shared / (2 - shared)
