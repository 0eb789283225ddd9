from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reseen.models.mobilenet import MobileNetV3Small
from reseen.models.pooling import AveragePooling
from reseen.recipe import schema

CLASSIFIER = (576 * 1024 + 1024) + (1024 * 1000 + 1000)
BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
RELU_BLOCKS = (1, 2, 3)
STRIDES = {1: 2, 2: 2, 4: 2}


def mobilenet(last_stride: Literal[1, 2] = 1) -> MobileNetV3Small:
    return MobileNetV3Small(schema.MobileNetV3Small(last_stride=last_stride), AveragePooling())


def test_size_is_the_published_one_less_the_classifier() -> None:
    assert sum(value.numel() for value in mobilenet().parameters()) == 2_542_856 - CLASSIFIER


def test_parameters_are_named_and_shaped_as_in_torchvision() -> None:
    shapes = {name: tuple(value.shape) for name, value in mobilenet().state_dict().items()}
    assert len(shapes) == 34 * 6 + 9 * 4  # 34 convolutions with their norms, 9 squeeze-and-excite layers
    assert {name.split(".")[1] for name in shapes} == {str(index) for index in range(13)}
    block = {name.removeprefix("features.4.") for name in shapes if name.startswith("features.4.")}
    assert block == {
        *(f"block.{layer}.0.weight" for layer in (0, 1, 3)),
        *(f"block.{layer}.1.{key}" for layer in (0, 1, 3) for key in BATCH_NORM),
        *(f"block.2.{layer}.{key}" for layer in ("fc1", "fc2") for key in ("weight", "bias")),
    }
    expected = {
        "features.0.0.weight": (16, 3, 3, 3),
        "features.1.block.0.0.weight": (16, 1, 3, 3),
        "features.1.block.1.fc1.weight": (8, 16, 1, 1),
        "features.2.block.2.0.weight": (24, 72, 1, 1),
        "features.5.block.2.fc1.weight": (64, 240, 1, 1),
        "features.8.block.2.fc2.bias": (144,),
        "features.11.block.1.0.weight": (576, 1, 5, 5),
        "features.12.0.weight": (576, 96, 1, 1),
        "features.12.1.running_mean": (576,),
    }
    assert {name: shapes.get(name) for name in expected} == expected


@pytest.mark.parametrize("last_stride", [1, 2])
def test_forward_equals_one_written_from_the_paper(
    last_stride: Literal[1, 2], shaken: Callable[[nn.Module], nn.Module]
) -> None:
    network = shaken(mobilenet(last_stride))
    images = torch.randn(2, 3, 64, 32)
    with torch.no_grad():
        features, expected = network(images), reference(network.state_dict(), images, last_stride)
    assert features.shape == (2, 576)
    scale = expected.std()
    torch.testing.assert_close(features / scale, expected / scale, rtol=1e-4, atol=1e-4)


def reference(state: Mapping[str, Tensor], images: Tensor, last_stride: int) -> Tensor:
    """Which layers a block has is read off its entries; activations and strides are those of table 2."""

    def swish(maps: Tensor) -> Tensor:
        return maps * (maps + 3).clamp(0, 6) / 6

    def convolved(maps: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = state[f"{name}.0.weight"]
        groups = maps.shape[1] // weight.shape[1]
        maps = functional.conv2d(maps, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)
        mean, variance, scale, shift = (
            state[f"{name}.1.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (maps - mean) / (variance + 1e-3).sqrt() * scale + shift

    def squeezed(maps: Tensor, name: str) -> Tensor:
        hidden = functional.conv2d(
            maps.mean((2, 3), keepdim=True), state[f"{name}.fc1.weight"], state[f"{name}.fc1.bias"]
        )
        excited = functional.conv2d(hidden.clamp(min=0), state[f"{name}.fc2.weight"], state[f"{name}.fc2.bias"])
        return maps * (excited + 3).clamp(0, 6) / 6

    def block(maps: Tensor, index: int) -> Tensor:
        name, stride = f"features.{index}.block", STRIDES.get(index, last_stride if index == 9 else 1)
        layers = sorted({int(key.split(".")[3]) for key in state if key.startswith(f"{name}.")})
        inner = maps
        for layer in layers:
            part = f"{name}.{layer}"
            if f"{part}.fc1.weight" in state:
                inner = squeezed(inner, part)
                continue
            depthwise = state[f"{part}.0.weight"].shape[-1] > 1
            inner = convolved(inner, part, stride if depthwise else 1)
            if layer != layers[-1]:
                inner = inner.clamp(min=0) if index in RELU_BLOCKS else swish(inner)
        return maps + inner if inner.shape == maps.shape and stride == 1 else inner

    maps = swish(convolved(images, "features.0", stride=2))
    for index in range(1, 12):
        maps = block(maps, index)
    return swish(convolved(maps, "features.12")).mean((2, 3))


@pytest.mark.parametrize(("last_stride", "height", "width"), [(1, 16, 8), (2, 8, 4)])
def test_last_stride_sets_the_size_of_the_last_map(last_stride: Literal[1, 2], height: int, width: int) -> None:
    with torch.no_grad():
        assert mobilenet(last_stride).eval().features(torch.zeros(1, 3, 256, 128)).shape == (1, 576, height, width)


def test_every_parameter_learns() -> None:
    network = mobilenet()
    network(torch.randn(4, 3, 64, 32)).square().sum().backward()
    assert all(value.grad is not None and value.grad.isfinite().all() for value in network.parameters())
