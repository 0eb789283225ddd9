from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reseen.models.ibn import IBN
from reseen.models.pooling import AveragePooling
from reseen.models.resnet import ResNet
from reseen.recipe import schema

DEPTHS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}
OPTIONS = [
    *(
        {"last_stride": last_stride, "stem_relu": stem_relu, "stride_on": stride_on}
        for last_stride, stem_relu, stride_on in itertools.product((1, 2), (False, True), ("1x1", "3x3"))
    ),
    {"ibn": True},
    {"ibn": True, "stride_on": "1x1"},
    *({"name": name, "ibn": ibn, "last_stride": 2} for name in ("resnet18", "resnet34") for ibn in (False, True)),
    {"name": "resnet18", "last_stride": 1},
    {"name": "resnet101"},
]


def resnet(**settings: object) -> ResNet:
    return ResNet(schema.ResNet.model_validate(settings), AveragePooling())


@pytest.mark.parametrize(
    ("name", "published", "classifier", "entries"),
    [
        ("resnet18", 11_689_512, 512 * 1000 + 1000, 120),
        ("resnet34", 21_797_672, 512 * 1000 + 1000, 216),
        ("resnet50", 25_557_032, 2048 * 1000 + 1000, 318),
        ("resnet101", 44_549_160, 2048 * 1000 + 1000, 624),
    ],
)
@pytest.mark.parametrize("ibn", [False, True])
def test_size_is_the_published_one_less_the_classifier(
    name: str, published: int, classifier: int, entries: int, ibn: bool
) -> None:
    """An IBN-a has as many parameters as the batch norm in its place, and two more entries."""
    network = resnet(name=name, ibn=ibn)
    assert sum(value.numel() for value in network.parameters()) == published - classifier
    assert len(network.state_dict()) == entries + (2 * sum(DEPTHS[name][:3]) if ibn else 0)


@pytest.mark.parametrize(("name", "feature_size"), [("resnet18", 256), ("resnet50", 1024)])
@pytest.mark.parametrize(("last_stride", "height"), [(1, 16), (2, 8)])
def test_three_stages_are_the_whole_without_its_last(
    name: str, feature_size: int, last_stride: int, height: int
) -> None:
    whole, cut = resnet(name=name), resnet(name=name, stages=3, last_stride=last_stride)

    maps: list[Tensor] = []
    cut.layer3.register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    features = cut.eval()(torch.zeros(1, 3, 128, 64))

    assert set(cut.state_dict()) == {key for key in whole.state_dict() if not key.startswith("layer4.")}
    assert features.shape == (1, feature_size) == (1, cut.feature_size)
    assert maps[0].shape == (1, feature_size, height, height // 2)


def test_parameters_are_named_and_shaped_as_in_torchvision() -> None:
    shapes = {key: tuple(value.shape) for key, value in resnet().state_dict().items()}
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
    assert {key: shapes.get(key) for key in expected} == expected
    basic = {key: tuple(value.shape) for key, value in resnet(name="resnet34").state_dict().items()}
    expected = {
        "layer1.0.conv1.weight": (64, 64, 3, 3),
        "layer2.0.conv1.weight": (128, 64, 3, 3),
        "layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "layer3.5.bn2.running_var": (256,),
        "layer4.2.conv2.weight": (512, 512, 3, 3),
    }
    assert {key: basic.get(key) for key in expected} == expected
    assert "layer1.0.downsample.0.weight" not in basic


@pytest.mark.parametrize("name", ["resnet34", "resnet50"])
def test_ibn_a_is_in_the_first_norm_of_every_block_but_those_of_the_last_stage(name: str) -> None:
    network = resnet(name=name, ibn=True)
    blocks = [f"layer{stage}.{index}.bn1" for stage in (1, 2, 3) for index in range(DEPTHS[name][stage - 1])]
    assert [key for key, module in network.named_modules() if isinstance(module, IBN)] == blocks


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_forward_equals_one_written_from_the_paper(
    shaken: Callable[[nn.Module], nn.Module], options: dict[str, object]
) -> None:
    network = shaken(resnet(**options))
    images = torch.randn(1, 3, 64, 32)
    settings = schema.ResNet.model_validate(options)
    with torch.no_grad():
        features, expected = network(images), reference(network.state_dict(), images, settings)
    assert features.shape == (1, network.feature_size)
    assert network.feature_size == (512 if settings.name in ("resnet18", "resnet34") else 2048)
    scale = expected.std()
    torch.testing.assert_close(features / scale, expected / scale, rtol=1e-4, atol=1e-4)


def reference(state: Mapping[str, Tensor], images: Tensor, settings: schema.ResNet) -> Tensor:
    def convolved(maps: Tensor, convolution: str, norm: str, stride: int = 1) -> Tensor:
        weight = state[f"{convolution}.weight"]
        maps = functional.conv2d(maps, weight, stride=stride, padding=weight.shape[-1] // 2)
        mean, variance, scale, shift = (
            state[f"{norm}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (maps - mean) / (variance + 1e-5).sqrt() * scale + shift

    def instance_and_batch_normed(maps: Tensor, convolution: str, norm: str, stride: int) -> Tensor:
        weight = state[f"{convolution}.weight"]
        maps = functional.conv2d(maps, weight, stride=stride, padding=weight.shape[-1] // 2)
        half = maps.shape[1] // 2
        first = (maps - maps.mean((2, 3), keepdim=True)) / (maps.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
        scale, shift = (state[f"{norm}.IN.{key}"][:, None, None] for key in ("weight", "bias"))
        mean, variance, batch_scale, batch_shift = (
            state[f"{norm}.BN.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        second = (maps[:, half:] - mean) / (variance + 1e-5).sqrt() * batch_scale + batch_shift
        return torch.cat([first[:, :half] * scale + shift, second], dim=1)

    def block(maps: Tensor, name: str, stride: int) -> Tensor:
        bottleneck = f"{name}.conv3.weight" in state
        strides = (1, stride) if bottleneck and settings.stride_on == "3x3" else (stride, 1)
        first = instance_and_batch_normed if f"{name}.bn1.IN.weight" in state else convolved
        inner = first(maps, f"{name}.conv1", f"{name}.bn1", strides[0]).relu()
        inner = convolved(inner, f"{name}.conv2", f"{name}.bn2", strides[1])
        if bottleneck:
            inner = convolved(inner.relu(), f"{name}.conv3", f"{name}.bn3")
        if f"{name}.downsample.0.weight" in state:
            maps = convolved(maps, f"{name}.downsample.0", f"{name}.downsample.1", stride)
        return (inner + maps).relu()

    maps = convolved(images, "conv1", "bn1", stride=2)
    maps = functional.max_pool2d(maps.relu() if settings.stem_relu else maps, 3, stride=2, padding=1)
    for stage, stride in ((1, 1), (2, 2), (3, 2), (4, settings.last_stride)):
        for index in range(DEPTHS[settings.name][stage - 1]):
            maps = block(maps, f"layer{stage}.{index}", stride if index == 0 else 1)
    return maps.mean(dim=(2, 3))


@pytest.mark.parametrize(("last_stride", "height", "width"), [(1, 16, 8), (2, 8, 4)])
def test_last_stride_sets_the_size_of_the_last_map(last_stride: int, height: int, width: int) -> None:
    network = resnet(last_stride=last_stride).eval()
    shapes: list[torch.Size] = []
    network.layer4.register_forward_hook(lambda _module, _inputs, maps: shapes.append(maps.shape))
    with torch.no_grad():
        network(torch.zeros(1, 3, 256, 128))
    assert shapes == [(1, 2048, height, width)]


@pytest.mark.parametrize(("stride_on", "strides"), [("1x1", (2, 1)), ("3x3", (1, 2))])
def test_stride_on_places_the_stride_of_every_stage(stride_on: str, strides: tuple[int, int]) -> None:
    network = resnet(stride_on=stride_on, last_stride=2)
    modules = dict(network.named_modules())
    for stage in ("layer2", "layer3", "layer4"):
        names = (f"{stage}.0.conv1", f"{stage}.0.conv2", f"{stage}.0.downsample.0")
        convolutions = [module for name in names if isinstance(module := modules[name], nn.Conv2d)]
        assert [convolution.stride for convolution in convolutions] == [(s, s) for s in (*strides, 2)]


def test_the_stem_relu_changes_the_feature() -> None:
    with_relu, without = resnet(stem_relu=True).eval(), resnet(stem_relu=False).eval()
    without.load_state_dict(with_relu.state_dict())
    images = torch.randn(1, 3, 64, 32)
    with torch.no_grad():
        assert not torch.allclose(with_relu(images), without(images), rtol=0.01)


def test_the_pooling_is_the_one_given() -> None:
    network = ResNet(schema.ResNet(name="resnet18"), nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten())).eval()
    maps: list[Tensor] = []
    network.layer4.register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    with torch.no_grad():
        features = network(torch.randn(2, 3, 64, 32))
    assert torch.equal(features, maps[0].amax((2, 3)))


@pytest.mark.parametrize(("max_pool", "first"), [("padded", 1.0), ("ceil", 2.0)])
def test_the_windows_of_the_stem_begin_before_the_map_or_on_it(max_pool: str, first: float) -> None:
    network = ResNet(schema.ResNet.model_validate({"name": "resnet18", "max_pool": max_pool}), nn.Flatten())
    rising = torch.arange(32.0).expand(1, 1, 64, 32)
    pooled = network.maxpool(rising)
    assert pooled.shape == (1, 1, 32, 16)
    assert pooled[0, 0, 0, 0] == first
