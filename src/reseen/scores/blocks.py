"""Blocks of rows: scores of many images with many are worked on a block at a time, so that memory stays bounded."""

from __future__ import annotations

import math
from collections.abc import Callable

BLOCK_SCORES = 20_000_000
"""Most pairs of images worked on at once: 80 MB of float32, so that BLAS loses little to the division (measured)."""

RowsDone = Callable[[int, int], None]
"""Told how many rows of scores are done, and how many there are."""


def row_blocks(count: int, width: int, scores: int | None = None) -> list[slice]:
    """Divide `count` rows of `width` scores into blocks of even height, the last perhaps lower; at least one block.

    A block holds at most `scores` scores, `BLOCK_SCORES` for None, or one row.
    """
    highest = max(1, (BLOCK_SCORES if scores is None else scores) // width)
    blocks = max(1, math.ceil(count / highest))
    height = max(1, math.ceil(count / blocks))
    return [slice(start, min(start + height, count)) for start in range(0, max(1, count), height)]
