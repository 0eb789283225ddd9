"""The size of the blocks follows the memory, between too few rows and more than help."""

from __future__ import annotations

import pytest

from reseen.errors import UsageError
from reseen.evaluation.reranking_memory import BYTES_PER_SCORE, FEWEST_ROWS, WORK_BYTES, scores_at_once
from reseen.scores.blocks import BLOCK_SCORES


def test_p4_blocks_get_what_the_rest_leaves() -> None:
    assert scores_at_once(0.5, 100_000, 350_000_000) * BYTES_PER_SCORE == 500_000_000 - 350_000_000 - WORK_BYTES


@pytest.mark.parametrize(("width", "most"), [(1000, BLOCK_SCORES), (100_000, 512 * 100_000)])
def test_much_memory_gives_no_larger_blocks_than_help(width: int, most: int) -> None:
    assert scores_at_once(1000.0, width, 0) == scores_at_once(float("inf"), width, 0) == most


def test_memory_for_the_fewest_rows_is_enough_and_a_byte_less_is_not() -> None:
    needed = 7_000_000 + WORK_BYTES + FEWEST_ROWS * 50_000 * BYTES_PER_SCORE

    assert scores_at_once(needed / 1e9, 50_000, 7_000_000) == FEWEST_ROWS * 50_000
    with pytest.raises(UsageError, match=r"too little memory(.|\n)*at least 0.04 GB"):
        scores_at_once((needed - 1) / 1e9, 50_000, 7_000_000)


@pytest.mark.parametrize("memory", [0.0, -1.0, float("nan"), float("-inf")])
def test_what_is_no_memory_at_all_is_refused(memory: float) -> None:
    with pytest.raises(UsageError, match="too little memory"):
        scores_at_once(memory, 1, 0)
