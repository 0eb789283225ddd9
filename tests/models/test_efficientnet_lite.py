from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reseen.models.efficientnet_lite import EfficientNetLite, blocks_of
from reseen.models.pooling import AveragePooling
from reseen.recipe import schema

Name = Literal["efficientnet_lite0", "efficientnet_lite2"]
CLASSIFIER = 1280 * 1000 + 1000
PUBLISHED = {"efficientnet_lite0": 4_652_008, "efficientnet_lite2": 6_092_072}
"""Parameters with the classifier: 4.652 and 6.092 million, as those who published the networks count them."""
STRIDES = {"efficientnet_lite0": (1, 3, 5, 11), "efficientnet_lite2": (1, 4, 7, 15)}
"""The blocks that halve the map; the last of them may be told not to."""


def lite(
    name: Name = "efficientnet_lite0",
    last_stride: Literal[1, 2] = 1,
    blocks: int | None = None,
    feature_size: int | None = None,
) -> EfficientNetLite:
    settings = schema.EfficientNetLite(name=name, last_stride=last_stride, blocks=blocks, feature_size=feature_size)
    return EfficientNetLite(settings, AveragePooling())


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite2"])
def test_size_is_the_published_one_less_the_classifier(name: Name) -> None:
    assert sum(value.numel() for value in lite(name).parameters()) == PUBLISHED[name] - CLASSIFIER


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite2"])
def test_maps_are_halved_where_the_published_networks_halve_them(name: Name) -> None:
    strided = tuple(index for index, block in enumerate(blocks_of(name, last_stride=2)) if block.stride == 2)
    assert strided == STRIDES[name]


@pytest.mark.parametrize(
    ("name", "last_stride", "blocks", "feature_size", "length"),
    [
        ("efficientnet_lite0", 1, None, None, 1280),
        ("efficientnet_lite2", 2, None, 64, 64),
        ("efficientnet_lite0", 1, 11, 256, 256),
        ("efficientnet_lite0", 2, 12, None, 1152),
    ],
)
def test_forward_equals_one_written_from_the_paper(
    name: Name,
    last_stride: Literal[1, 2],
    blocks: int | None,
    feature_size: int | None,
    length: int,
    shaken: Callable[[nn.Module], nn.Module],
) -> None:
    network = shaken(lite(name, last_stride, blocks, feature_size))
    images = torch.randn(2, 3, 64, 32)
    with torch.no_grad():
        features = network(images)
        expected = reference(network.state_dict(), images, STRIDES[name][: 4 if last_stride == 2 else 3])
    assert features.shape == (2, length)
    scale = expected.std()
    torch.testing.assert_close(features / scale, expected / scale, rtol=1e-4, atol=1e-4)


def reference(state: Mapping[str, Tensor], images: Tensor, strided: tuple[int, ...]) -> Tensor:
    """Which layers there are is read off the entries."""

    def convolved(maps: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = state[f"{name}.0.weight"]
        groups = maps.shape[1] // weight.shape[1]
        maps = functional.conv2d(maps, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)
        mean, variance, scale, shift = (
            state[f"{name}.1.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (maps - mean) / (variance + 1e-3).sqrt() * scale + shift

    def block(maps: Tensor, index: int) -> Tensor:
        name, stride, inner = f"blocks.{index}", 2 if index in strided else 1, maps
        if f"{name}.expand.0.weight" in state:
            inner = convolved(inner, f"{name}.expand").clamp(0, 6)
        inner = convolved(inner, f"{name}.depthwise", stride).clamp(0, 6)
        inner = convolved(inner, f"{name}.project")
        return maps + inner if inner.shape == maps.shape and stride == 1 else inner

    maps = convolved(images, "stem", stride=2).clamp(0, 6)
    for index in range(1 + max(int(found[1]) for key in state if (found := re.match(r"blocks\.(\d+)", key)))):
        maps = block(maps, index)
    pooled = convolved(maps, "head").clamp(0, 6).mean((2, 3))
    if "embedding.weight" in state:
        pooled = pooled @ state["embedding.weight"].T + state["embedding.bias"]
    return pooled


@pytest.mark.parametrize(("last_stride", "height", "width"), [(1, 16, 8), (2, 8, 4)])
def test_last_stride_sets_the_size_of_the_last_map(last_stride: Literal[1, 2], height: int, width: int) -> None:
    network = lite(last_stride=last_stride).eval()
    with torch.no_grad():
        maps = network.blocks(network.stem(torch.zeros(1, 3, 256, 128)))
    assert maps.shape == (1, 320, height, width)


def test_every_parameter_learns() -> None:
    network = lite(blocks=3, feature_size=16)
    network(torch.randn(4, 3, 64, 32)).square().sum().backward()
    assert all(value.grad is not None and value.grad.isfinite().all() for value in network.parameters())
