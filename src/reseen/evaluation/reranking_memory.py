"""How much may be worked on at once for a re-ranking to stay within its memory."""

from __future__ import annotations

from reseen.errors import UsageError
from reseen.scores import blocks

DEFAULT_MEMORY = 4.0
"""GB (10⁹ bytes) that a re-ranking takes at most beside the features it is given."""

BYTES_PER_SCORE = 6
"""The score itself, and the marks that finding the nearest images and the metrics set on it."""

WORK_BYTES = 30_000_000
"""For what is worked on in small parts, however many images there are."""

FEWEST_ROWS, ENOUGH_ROWS = 16, 512
"""Height of a block: products of fewer rows are slow, those of more are hardly faster (measured)."""


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
            "too little memory to re-rank in",
            expected=f"at least {needed / 1e9:.2f} GB for so many images",
            got=f"{memory:g} GB",
            cure="allow more (--memory), or evaluate without re-ranking",
        )
    affordable = (memory * 1e9 - kept - WORK_BYTES) / BYTES_PER_SCORE
    return int(min(affordable, max(blocks.BLOCK_SCORES, ENOUGH_ROWS * width)))
