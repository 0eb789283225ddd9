from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from reseen.models.backbone import Backbone, initialise_convolutions


def test_convolutions_are_kaiming_normal_over_the_fan_out() -> None:
    convolution = nn.Conv2d(64, 256, 3)
    initialise_convolutions(convolution)
    assert convolution.weight.mean().item() == pytest.approx(0, abs=1e-3)
    assert convolution.weight.std().item() == pytest.approx(math.sqrt(2 / (256 * 3 * 3)), rel=0.02)
    assert convolution.bias is not None
    assert not convolution.bias.any()


@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.BatchNorm2d])
def test_batch_norms_start_at_scale_1_and_shift_0(kind: type[nn.BatchNorm1d | nn.BatchNorm2d]) -> None:
    norm = kind(8)
    nn.init.uniform_(norm.weight)
    nn.init.uniform_(norm.bias)
    initialise_convolutions(nn.Sequential(norm))
    assert torch.equal(norm.weight, torch.ones(8))
    assert torch.equal(norm.bias, torch.zeros(8))


def test_the_pooling_belongs_to_the_backbone() -> None:
    pool = nn.Flatten()
    assert dict(Backbone(pool).named_children()) == {"pool": pool}
