"""Features to unit rows: cosine similarity is then a plain product."""

from __future__ import annotations

import numpy as np

from reseen.errors import FeaturesError
from reseen.shapes import Bool, Float, Float32, Int64

BLOCK_ROWS = 256
SAFE_SQUARES = (1e-20, 1e20)
"""Squared norms between these are exact to rounding in float32: nothing has overflowed or vanished."""
NOTHING = np.float32(1e-18)
"""Smaller parts of a unit row become zero. They cannot be seen in a cosine, but processors multiply numbers below 1e-38
up to a hundred times as slowly, and trained networks leave some in every row."""


def row_peaks(
    features: Float[np.ndarray, "n d"], name: str, rows: Int64[np.ndarray, " n"] | None = None
) -> Float[np.ndarray, " n"]:
    """Largest magnitude of each row: above zero and finite.

    Args:
        features: any float type, d ≥ 1.
        name: what to call the features in an error.
        rows: what to call the rows in an error; None: their places.

    Raises:
        FeaturesError: a row that is not finite, or that is all zero.
    """
    # NaN and infinity spread into the peak of their row.
    peaks: Float[np.ndarray, " n"] = np.maximum(features.max(axis=1), -features.min(axis=1))
    broken = np.flatnonzero(~np.isfinite(peaks) | (peaks == 0))
    if broken.size:
        row = broken[0] if rows is None else rows[broken[0]]
        raise FeaturesError(
            f"row {row} of the {name} features (counted from 0) has no length",
            expected="finite numbers that are not all zero",
            got="all zeros" if peaks[broken[0]] == 0 else "NaN or infinity",
            cure="extract the features again; leave out unreadable images",
        )
    return peaks


def unit_rows(
    features: Float[np.ndarray, "n d"], keep: Bool[np.ndarray, " n"], name: str
) -> Float32[np.ndarray, "kept d"]:
    """Divide each row by its L2 norm; parts smaller than `NOTHING` become zero.

    Args:
        features: any float type, d ≥ 1; not changed.
        keep: which rows to return; only they are looked at.
        name: what to call the features in an error.

    Raises:
        FeaturesError: a row to keep that is not finite, or that is all zero.
    """
    kept = np.flatnonzero(keep)
    unit = np.empty((len(kept), features.shape[1]), dtype=np.float32)
    sizes = np.empty((BLOCK_ROWS, features.shape[1]), dtype=np.float32)
    marks = np.empty(sizes.shape, dtype=bool)
    for start in range(0, len(kept), BLOCK_ROWS):
        rows = kept[start : start + BLOCK_ROWS]
        block = features[start : start + BLOCK_ROWS] if len(kept) == len(features) else features[rows]
        block = block.astype(np.promote_types(features.dtype, np.float32), copy=False)
        squares = np.einsum("nd,nd->n", block, block)
        # NaN is not between any limits.
        if not ((SAFE_SQUARES[0] < squares) & (squares < SAFE_SQUARES[1])).all():
            block = block / row_peaks(block, name, rows)[:, None]
            squares = np.einsum("nd,nd->n", block, block)
        done = unit[start : start + BLOCK_ROWS]
        np.divide(block, np.sqrt(squares)[:, None], out=done, casting="same_kind")
        # In memory that is there already: pages that the system hands out anew cost more than the work (measured).
        tiny = np.less(np.abs(done, out=sizes[: len(done)]), NOTHING, out=marks[: len(done)])
        if tiny.any():
            done[tiny] = 0
    return unit
