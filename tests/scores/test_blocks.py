from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.scores import blocks as module
from reseen.scores.blocks import row_blocks


@given(st.integers(0, 300), st.integers(1, 300), st.sampled_from([1, 1000, None]))
def test_p4_blocks_cover_all_rows_and_hold_few_scores(count: int, width: int, scores: int | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_SCORES", 2000)
        blocks = row_blocks(count, width, scores)
    heights = [block.stop - block.start for block in blocks]

    assert np.concatenate([np.arange(count)[block] for block in blocks]).tolist() == list(range(count))
    assert max(heights) == heights[0]
    assert heights[0] * width <= (2000 if scores is None else scores) or heights[0] == 1
