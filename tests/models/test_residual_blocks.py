from __future__ import annotations

import pytest
import torch
from torch import nn

from reseen.models.ibn import IBN
from reseen.models.residual_blocks import BasicBlock, Bottleneck

Block = type[BasicBlock | Bottleneck]


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (1, 2)], ids=str)
def test_both_strides_make_the_maps_smaller(block: Block, strides: tuple[int, int]) -> None:
    maps = block(8, 4, strides, ibn=False)(torch.randn(2, 8, 6, 4))
    assert maps.shape == (2, 4 * block.expansion, 6 // max(strides), 4 // max(strides))


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_the_shortcut_is_plain_where_sizes_agree(block: Block) -> None:
    outputs = 4 * block.expansion
    assert isinstance(block(outputs, 4, (1, 1), ibn=False).downsample, nn.Identity)
    assert isinstance(block(outputs, 4, (2, 1), ibn=False).downsample, nn.Sequential)
    assert isinstance(block(outputs + 1, 4, (1, 1), ibn=False).downsample, nn.Sequential)


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_a_block_that_changes_nothing_gives_back_what_came_in_less_what_is_negative(block: Block) -> None:
    built = block(4 * block.expansion, 4, (1, 1), ibn=False).eval()
    last = built.bn3 if isinstance(built, Bottleneck) else built.bn2
    nn.init.zeros_(last.weight)
    maps = torch.randn(2, 4 * block.expansion, 3, 3)
    assert torch.equal(built(maps.clone()), maps.relu())


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_only_the_first_norm_may_be_an_ibn(block: Block) -> None:
    found = [name for name, module in block(8, 4, (1, 1), ibn=True).named_modules() if isinstance(module, IBN)]
    assert found == ["bn1"]
