"""How much of their weights images share: the sparse part of the Jaccard distance, in time linear in the images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from reseen.shapes import Float32, Int64

PAIRS_AT_ONCE = 250_000
"""Pairs of a weight of a query and one of a gallery image worked on at once, if one query has no more than that."""


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
