"""Features to unit rows: cosine similarity is then a plain product."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float32

from reseen.errors import FeaturesError

BLOCK_ROWS = 1024


def row_peaks(features: Float[np.ndarray, "n d"], name: str) -> Float[np.ndarray, " n"]:
    """Largest magnitude of each row: above zero and finite.

    Args:
        features: any float type, d ≥ 1.
        name: what to call the features in an error.

    Raises:
        FeaturesError: a row that is not finite, or that is all zero.
    """
    # NaN and infinity spread into the peak of their row.
    peaks: Float[np.ndarray, " n"] = np.maximum(features.max(axis=1), -features.min(axis=1))
    broken = np.flatnonzero(~np.isfinite(peaks) | (peaks == 0))
    if broken.size:
        raise FeaturesError(
            f"row {broken[0]} of the {name} features (counted from 0) has no direction",
            expected="finite numbers that are not all zero",
            got="all zeros" if peaks[broken[0]] == 0 else "NaN or infinity",
            cure="extract the features again; leave out images that could not be read",
        )
    return peaks


def unit_rows(
    features: Float[np.ndarray, "n d"], keep: Bool[np.ndarray, " n"], name: str
) -> Float32[np.ndarray, "kept d"]:
    """Divide each row by its L2 norm.

    A row is first divided by its peak, so that none overflows or vanishes on the way to float32.

    Args:
        features: any float type, d ≥ 1; not changed.
        keep: which rows to return; the others are checked like them.
        name: what to call the features in an error.

    Raises:
        FeaturesError: a row that is not finite, or that is all zero.
    """
    peaks = row_peaks(features, name)
    kept = np.flatnonzero(keep)
    unit = np.empty((len(kept), features.shape[1]), dtype=np.float32)
    for start in range(0, len(kept), BLOCK_ROWS):
        rows = kept[start : start + BLOCK_ROWS]
        block = unit[start : start + BLOCK_ROWS]
        np.divide(features[rows], peaks[rows, None], out=block, casting="same_kind")
        block /= np.sqrt(np.einsum("nd,nd->n", block, block))[:, None]
    return unit
