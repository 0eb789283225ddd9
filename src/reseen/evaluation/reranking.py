"""k-reciprocal re-ranking on nearest-neighbour lists and sparse rows: never an N×N matrix.

Source: Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017. Two images are close
when they have neighbours in common (Jaccard distance, equation 10), and that distance is blended with the original one
(equation 12): as in the authors' code, the squared Euclidean one divided by the image's largest, and the lists that
expand a neighbourhood hold round(k1 / 2) images.

From top to bottom: the scores (`reranked_scores`), every image as weights over its neighbours (`neighbour_weights`),
how much of their weights two images share (`shared_weights`), and how much memory that may take (`scores_at_once`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from reseen.errors import FeaturesError, UsageError
from reseen.evaluation.protocol import RetrievalSet
from reseen.scores import blocks
from reseen.scores.blocks import RowsDone, row_blocks
from reseen.scores.labels import JUNK
from reseen.scores.nearest import nearest_images
from reseen.shapes import Float32, Int32, Int64

DEFAULT_MEMORY = 4.0
"""GB (10⁹ bytes) that a re-ranking takes at most beside the features it is given."""

BYTES_PER_SCORE = 6
"""The score itself, and the marks that finding the nearest images and the metrics set on it."""

WORK_BYTES = 30_000_000
"""For what is worked on in small parts, however many images there are."""

FEWEST_ROWS, ENOUGH_ROWS = 16, 512
"""Height of a block: products of fewer rows are slow, those of more are hardly faster (measured)."""

COMMON_AT_ONCE = 1_000_000
"""Pairs of images with a neighbour in common worked on at once."""

PAIRS_AT_ONCE = 250_000
"""Pairs of a weight of a query and one of a gallery image worked on at once, if one query has no more than that."""


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
        progress: told how far this has come: one row per image whose neighbours are found, and for each query.

    Returns:
        Blocks of rows for `retrieval.valid_queries` in their order; a block is good until the next one.

    Raises:
        UsageError: k1, k2 or lambda_ out of range, or too little memory.
        FeaturesError: the set holds no more than k1 images.
    """
    if not (k1 >= 1 and 1 <= k2 <= k1 + 1 and 0 <= lambda_ <= 1):
        raise UsageError(
            "re-ranking settings out of range",
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
    rows = row_blocks(len(queries), len(gallery) + gallery.shape[1], at_once)
    buffer = np.empty((rows[0].stop, len(gallery)), dtype=np.float32)
    for block in rows:
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


def neighbour_weights(
    features: Float32[np.ndarray, "n d"],
    nearest: Int32[np.ndarray, "n k"],
    farthest: Float32[np.ndarray, " n"],
    k2: int,
) -> sparse.csr_array:
    """Weights over the k-reciprocal neighbours, averaged over the k2 nearest images (equation 11).

    Args:
        features: unit rows.
        nearest: for each image its k1 + 1 nearest images, itself among them, nearest first.
        farthest: for each image its largest squared distance, above zero.
        k2: at most k1 + 1.

    Returns:
        (n, n) float32; each row sums to one. Only where more than k1 images are identical may a row be empty.
    """
    weights = _own_weights(features, nearest, farthest)
    if k2 > 1:
        weights = _indicator(nearest[:, :k2]) @ weights
        weights.data *= np.float32(1 / k2)
    return weights


def _indicator(lists: Int32[np.ndarray, "n k"]) -> sparse.csr_array:
    """Sparse rows with a one at each place listed."""
    count, k = lists.shape
    starts = np.arange(0, lists.size + 1, k, dtype=np.int32)
    return sparse.csr_array((np.ones(lists.size, np.float32), np.sort(lists).ravel(), starts), shape=(count, count))


def _mutual(lists: Int32[np.ndarray, "n k"]) -> sparse.csr_array:
    """The neighbours that list the image too (equation 3). Symmetric."""
    listed = _indicator(lists)
    return listed.multiply(listed.T.tocsr()).tocsr()


def _expanded(mutual: sparse.csr_array, close: sparse.csr_array) -> sparse.csr_array:
    """Some rows of `mutual` with the close images of neighbours (equation 4); only where entries are is of use."""
    # How many of a neighbour's close images are neighbours as well: more than two thirds, and all of them join.
    common = (mutual @ close).multiply(mutual).tocsr()
    sizes = np.diff(close.indptr)
    common.data = (3 * common.data > 2 * sizes[common.indices]).astype(np.float32)
    common.eliminate_zeros()
    return mutual + common @ close


def _own_weights(
    features: Float32[np.ndarray, "n d"], nearest: Int32[np.ndarray, "n k"], farthest: Float32[np.ndarray, " n"]
) -> sparse.csr_array:
    """Weights over the expanded k-reciprocal neighbours of each image (equations 4 and 7); each row sums to one."""
    k1 = nearest.shape[1] - 1
    mutual, close = _mutual(nearest), _mutual(nearest[:, : round(k1 / 2) + 1])
    parts = row_blocks(len(features), k1 * k1, COMMON_AT_ONCE)
    weights = sparse.vstack([_expanded(mutual[rows], close) for rows in parts], format="csr")
    # Image by image: gathering many pairs at once is up to five times as slow (measured).
    for image, (start, stop) in enumerate(zip(weights.indptr[:-1], weights.indptr[1:], strict=True)):
        weights.data[start:stop] = features[weights.indices[start:stop]] @ features[image]
    row = np.repeat(np.arange(len(features), dtype=np.int32), np.diff(weights.indptr))
    weights.data = np.exp((2 * weights.data - 2) / farthest[row])
    weights.data /= np.bincount(row, weights.data, minlength=len(features)).astype(np.float32)[row]
    return weights


def shared_weights(
    queries: sparse.csr_array, holders: sparse.csr_array
) -> Iterator[tuple[Int64[np.ndarray, " s"], Int64[np.ndarray, " s"], Float32[np.ndarray, " s"]]]:
    """Sums of the smaller of two weights over all neighbours, where they are above zero.

    Only pairs that share a neighbour are touched, found through the lists of who holds it.

    Args:
        queries: (q, n) float32; weights of the queries over their neighbours.
        holders: (n, g) float32; for each neighbour the gallery images that have a weight on it.

    Yields:
        Places of queries, places of gallery images, and what they share; each pair once.
    """
    for rows in _divided(queries, holders):
        own = queries[rows]
        smaller = holders[own.indices]
        np.minimum(smaller.data, np.repeat(own.data, np.diff(smaller.indptr)), out=smaller.data)
        summed = sparse.csr_array(
            (np.ones(own.nnz, np.float32), np.arange(own.nnz, dtype=np.int32), own.indptr),
            shape=(own.shape[0], own.nnz),
        )
        shared = summed @ smaller
        query = np.repeat(np.arange(rows.start, rows.stop), np.diff(shared.indptr))
        yield query, shared.indices.astype(np.int64), shared.data


def _divided(queries: sparse.csr_array, holders: sparse.csr_array) -> Iterator[slice]:
    """Runs of queries with at most `PAIRS_AT_ONCE` pairs, or of one query."""
    pairs = np.diff(holders.indptr).astype(np.int64)[queries.indices]
    upto = np.concatenate([[0], np.cumsum(pairs)])[queries.indptr]
    start, count = 0, queries.shape[0]
    while start < count:
        stop = int(np.searchsorted(upto, upto[start] + PAIRS_AT_ONCE, side="right")) - 1
        yield slice(start, max(start + 1, stop))
        start = max(start + 1, stop)


def scores_at_once(memory: float, width: int, kept: int) -> int:
    """How many scores a block may hold.

    Args:
        memory: GB to stay within.
        width: scores in a row of the block.
        kept: bytes of what is held beside the blocks.

    Raises:
        UsageError: the memory is too small for `FEWEST_ROWS` rows.
    """
    needed = kept + WORK_BYTES + FEWEST_ROWS * width * BYTES_PER_SCORE
    if not memory * 1e9 >= needed:
        raise UsageError(
            "too little memory to re-rank",
            expected=f"at least {needed / 1e9:.2f} GB for this many images",
            got=f"{memory:g} GB",
            cure="allow more (--memory), or evaluate without re-ranking",
        )
    affordable = (memory * 1e9 - kept - WORK_BYTES) / BYTES_PER_SCORE
    return int(min(affordable, max(blocks.BLOCK_SCORES, ENOUGH_ROWS * width)))
