from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reseen.models.resnet import ResNet50
from reseen.recipe import schema

OPTIONS = [
    schema.ResNet.model_validate({"last_stride": last_stride, "stem_relu": stem_relu, "stride_on": stride_on})
    for last_stride, stem_relu, stride_on in itertools.product((1, 2), (False, True), ("1x1", "3x3"))
]


def test_parameters_are_named_and_shaped_as_in_torchvision() -> None:
    """25,557,032 parameters as published, less the 1000-class `fc`."""
    network = ResNet50(schema.ResNet())
    assert sum(value.numel() for value in network.parameters()) == 25_557_032 - (2048 * 1000 + 1000)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert len(shapes) == 320 - 2
    expected = {
        "conv1.weight": (64, 3, 7, 7),
        "bn1.running_mean": (64,),
        "layer1.0.downsample.0.weight": (256, 64, 1, 1),
        "layer1.2.conv3.weight": (256, 64, 1, 1),
        "layer2.3.conv2.weight": (128, 128, 3, 3),
        "layer3.5.bn3.weight": (1024,),
        "layer4.0.downsample.1.running_var": (2048,),
        "layer4.2.conv1.weight": (512, 2048, 1, 1),
    }
    assert {name: shapes.get(name) for name in expected} == expected


@pytest.mark.parametrize("settings", OPTIONS, ids=str)
def test_forward_equals_one_written_from_the_paper(
    shaken: Callable[[nn.Module], nn.Module], settings: schema.ResNet
) -> None:
    network = shaken(ResNet50(settings))
    images = torch.randn(1, 3, 64, 32)
    with torch.no_grad():
        features = network(images)
    assert features.shape == (1, 2048)
    torch.testing.assert_close(features, reference(network.state_dict(), images, settings), rtol=1e-3, atol=1e-3)


def reference(state: Mapping[str, Tensor], images: Tensor, settings: schema.ResNet) -> Tensor:
    def convolved(maps: Tensor, convolution: str, norm: str, stride: int = 1) -> Tensor:
        weight = state[f"{convolution}.weight"]
        maps = functional.conv2d(maps, weight, stride=stride, padding=weight.shape[-1] // 2)
        mean, variance, scale, shift = (
            state[f"{norm}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (maps - mean) / (variance + 1e-5).sqrt() * scale + shift

    def block(maps: Tensor, name: str, stride: int) -> Tensor:
        strides = (stride, 1) if settings.stride_on == "1x1" else (1, stride)
        inner = convolved(maps, f"{name}.conv1", f"{name}.bn1", strides[0]).relu()
        inner = convolved(inner, f"{name}.conv2", f"{name}.bn2", strides[1]).relu()
        inner = convolved(inner, f"{name}.conv3", f"{name}.bn3")
        if f"{name}.downsample.0.weight" in state:
            maps = convolved(maps, f"{name}.downsample.0", f"{name}.downsample.1", stride)
        return (inner + maps).relu()

    maps = convolved(images, "conv1", "bn1", stride=2)
    maps = functional.max_pool2d(maps.relu() if settings.stem_relu else maps, 3, stride=2, padding=1)
    for stage, blocks, stride in ((1, 3, 1), (2, 4, 2), (3, 6, 2), (4, 3, settings.last_stride)):
        for index in range(blocks):
            maps = block(maps, f"layer{stage}.{index}", stride if index == 0 else 1)
    return maps.mean(dim=(2, 3))


@pytest.mark.parametrize(("last_stride", "height", "width"), [(1, 16, 8), (2, 8, 4)])
def test_last_stride_sets_the_size_of_the_last_map(last_stride: int, height: int, width: int) -> None:
    network = ResNet50(schema.ResNet.model_validate({"last_stride": last_stride})).eval()
    shapes: list[torch.Size] = []
    network.layer4.register_forward_hook(lambda _module, _inputs, maps: shapes.append(maps.shape))
    with torch.no_grad():
        network(torch.zeros(1, 3, 256, 128))
    assert shapes == [(1, 2048, height, width)]


@pytest.mark.parametrize(("stride_on", "strides"), [("1x1", (2, 1)), ("3x3", (1, 2))])
def test_stride_on_places_the_stride_of_every_stage(stride_on: str, strides: tuple[int, int]) -> None:
    network = ResNet50(schema.ResNet.model_validate({"stride_on": stride_on, "last_stride": 2}))
    modules = dict(network.named_modules())
    for stage in ("layer2", "layer3", "layer4"):
        names = (f"{stage}.0.conv1", f"{stage}.0.conv2", f"{stage}.0.downsample.0")
        convolutions = [module for name in names if isinstance(module := modules[name], nn.Conv2d)]
        assert [convolution.stride for convolution in convolutions] == [(s, s) for s in (*strides, 2)]


def test_the_stem_relu_changes_the_feature() -> None:
    with_relu = ResNet50(schema.ResNet(stem_relu=True)).eval()
    without = ResNet50(schema.ResNet(stem_relu=False)).eval()
    without.load_state_dict(with_relu.state_dict())
    images = torch.randn(1, 3, 64, 32)
    with torch.no_grad():
        assert not torch.allclose(with_relu(images), without(images), rtol=0.01)
