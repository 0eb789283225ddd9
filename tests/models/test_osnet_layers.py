from __future__ import annotations

import pytest
import torch
from torch import nn

from reseen.models.osnet_layers import (
    ChannelGate,
    batch_norm,
    convolution,
    fully_connected,
    initialise,
    instance_norm,
    stream,
    transition,
)


def test_a_convolution_has_norm_and_relu_unless_told_otherwise() -> None:
    def kinds(layers: nn.Sequential) -> list[tuple[str, type[nn.Module]]]:
        return [(name, type(layer)) for name, layer in layers.named_children()]

    convolutional = ("conv", nn.Conv2d)
    assert kinds(convolution(3, 8)) == [convolutional, ("bn", nn.BatchNorm2d), ("relu", nn.ReLU)]
    assert kinds(convolution(3, 8, norm=instance_norm, relu=False)) == [convolutional, ("bn", nn.InstanceNorm2d)]
    assert kinds(convolution(3, 8, norm=None, relu=False)) == [convolutional]


@pytest.mark.parametrize(("kernel", "stride", "size"), [(1, 1, (8, 4)), (3, 1, (8, 4)), (7, 2, (4, 2))])
def test_a_convolution_is_padded_so_that_only_its_stride_makes_maps_smaller(
    kernel: int, stride: int, size: tuple[int, int]
) -> None:
    assert convolution(3, 5, kernel=kernel, stride=stride)(torch.randn(2, 3, 8, 4)).shape == (2, 5, *size)


@pytest.mark.parametrize("norm", [batch_norm, instance_norm])
def test_scale_and_shift_of_both_norms_are_learnt(norm: type[nn.Module]) -> None:
    assert {name: tuple(value.shape) for name, value in norm(6).named_parameters()} == {"weight": (6,), "bias": (6,)}


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_stream_sees_as_far_as_its_depth(depth: int) -> None:
    image = torch.zeros(1, 1, 15, 15).requires_grad_()
    layers = stream(1, depth).eval()
    for parameter in layers.parameters():
        nn.init.ones_(parameter)
    (seen,) = torch.autograd.grad(layers(image)[0, 0, 7, 7], image)
    assert int((seen != 0).sum()) == (2 * depth + 1) ** 2


def test_a_gate_scales_whole_channels_by_less_than_1() -> None:
    maps = torch.rand(2, 32, 4, 3) + 0.1
    ratio = ChannelGate(32)(maps) / maps
    assert ((ratio > 0) & (ratio < 1)).all()
    torch.testing.assert_close(ratio, ratio[:, :, :1, :1].expand_as(ratio))


def test_a_transition_halves_the_maps() -> None:
    assert transition(6)(torch.randn(2, 6, 8, 4)).shape == (2, 6, 4, 2)


def test_fresh_linear_layers_are_narrow_and_convolutions_as_in_the_other_backbones() -> None:
    network = nn.Sequential(nn.Conv2d(64, 64, 3), fully_connected(300, 400))
    initialise(network)
    weights = network.state_dict()
    assert weights["0.weight"].std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert weights["1.0.weight"].std().item() == pytest.approx(0.01, rel=0.02)
    assert not weights["1.0.bias"].any()
