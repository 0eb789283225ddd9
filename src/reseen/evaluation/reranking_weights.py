"""Every image as weights over its neighbours: the encoding of the k-reciprocal re-ranking.

Source: Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017. As in the authors'
code, the lists that expand a neighbourhood hold round(k1 / 2) images.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from reseen.scores.blocks import row_blocks
from reseen.shapes import Float32, Int32

COMMON_AT_ONCE = 1_000_000
"""Pairs of images with a neighbour in common worked on at once."""


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
    blocks = row_blocks(len(features), k1 * k1, COMMON_AT_ONCE)
    weights = sparse.vstack([_expanded(mutual[rows], close) for rows in blocks], format="csr")
    # Image by image: gathering many pairs at once is up to five times as slow (measured).
    for image, (start, stop) in enumerate(zip(weights.indptr[:-1], weights.indptr[1:], strict=True)):
        weights.data[start:stop] = features[weights.indices[start:stop]] @ features[image]
    row = np.repeat(np.arange(len(features), dtype=np.int32), np.diff(weights.indptr))
    weights.data = np.exp((2 * weights.data - 2) / farthest[row])
    weights.data /= np.bincount(row, weights.data, minlength=len(features)).astype(np.float32)[row]
    return weights
