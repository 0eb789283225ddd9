from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from reseen.models.osnet import OSNet
from reseen.models.pooling import AveragePooling
from reseen.recipe import schema

BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
CONVOLUTION = ("conv.weight", *(f"bn.{name}" for name in BATCH_NORM))


def osnet_of(width: float, feature_size: int = 512, name: str = "osnet") -> OSNet:
    settings = {"name": name, "width": width, "feature_size": feature_size}
    return OSNet(schema.OSNet.model_validate(settings), AveragePooling())


@pytest.mark.parametrize(("width", "parameters", "multiply_adds"), [(0.25, 203_568, 82.3e6), (1.0, 2_193_616, 978.9e6)])
def test_size_is_the_published_one(width: float, parameters: int, multiply_adds: int) -> None:
    """The authors' counter visits layers as often as they run, so it counts a block's one gate four times."""
    network = osnet_of(width).eval()
    gates = sum(value.numel() for name, value in network.named_parameters() if ".gate." in name)
    assert sum(value.numel() for value in network.parameters()) + 3 * gates == parameters
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 256, 128))
    assert counter.get_total_flops() / 2 == pytest.approx(multiply_adds, rel=5e-4)


def test_parameters_are_named_and_shaped_as_in_published_checkpoints() -> None:
    shapes = {name: tuple(value.shape) for name, value in osnet_of(0.25).state_dict().items()}
    block = {name.removeprefix("conv2.0.") for name in shapes if name.startswith("conv2.0.")}
    light = {"conv1.weight", "conv2.weight", *(f"bn.{name}" for name in BATCH_NORM)}
    streams = {"conv2a": 0, "conv2b": 2, "conv2c": 3, "conv2d": 4}
    assert block == {
        *(f"{part}.{name}" for part in ("conv1", "conv3", "downsample") for name in CONVOLUTION),
        *(f"conv2a.{name}" for name in light),
        *(f"{stream}.{i}.{name}" for stream, depth in streams.items() for i in range(depth) for name in light),
        *(f"gate.{layer}.{name}" for layer in ("fc1", "fc2") for name in ("weight", "bias")),
    }
    assert {name.partition(".")[0] for name in shapes} == {"conv1", "conv2", "conv3", "conv4", "conv5", "fc"}
    published = {
        "conv1.conv.weight": (16, 3, 7, 7),
        "conv2.0.conv1.conv.weight": (16, 16, 1, 1),
        "conv2.0.conv2d.3.conv2.weight": (16, 1, 3, 3),
        "conv2.0.gate.fc1.weight": (1, 16, 1, 1),
        "conv2.0.conv3.conv.weight": (64, 16, 1, 1),
        "conv2.0.downsample.conv.weight": (64, 16, 1, 1),
        "conv2.2.0.conv.weight": (64, 64, 1, 1),
        "conv3.2.0.bn.running_mean": (96,),
        "conv4.0.gate.fc2.bias": (32,),
        "conv5.conv.weight": (128, 128, 1, 1),
        "fc.0.weight": (512, 128),
        "fc.1.running_var": (512,),
    }
    assert {name: shapes.get(name) for name in published} == published


def test_with_instance_norms_stem_and_first_stage_change_their_entries() -> None:
    """The stem's norm loses its statistics, each of two blocks wins a scale and a shift."""
    plain, ibn = osnet_of(1.0).state_dict(), osnet_of(1.0, name="osnet_ibn").state_dict()
    assert plain.keys() - ibn.keys() == {f"conv1.bn.{key}" for key in BATCH_NORM[2:]}
    assert {key: tuple(ibn[key].shape) for key in ibn.keys() - plain.keys()} == {
        f"conv2.{block}.IN.{key}": (256,) for block in (0, 1) for key in ("weight", "bias")
    }
    assert (len(plain), len(ibn)) == (565, 566)


@pytest.mark.parametrize("name", ["osnet", "osnet_ibn"])
def test_forward_equals_one_written_from_the_paper(shaken: Callable[[nn.Module], nn.Module], name: str) -> None:
    network = shaken(osnet_of(0.25, feature_size=32, name=name))
    images = torch.randn(2, 3, 64, 32)
    with torch.no_grad():
        features = network(images)
    assert features.std() > 0.1
    torch.testing.assert_close(features, reference(network.state_dict(), images), rtol=1e-4, atol=1e-5)


def reference(state: Mapping[str, Tensor], images: Tensor) -> Tensor:
    def normed(maps: Tensor, name: str) -> Tensor:
        scale, shift = (state[f"{name}.{key}"] for key in ("weight", "bias"))
        if f"{name}.running_mean" not in state:
            return functional.group_norm(maps, maps.shape[1], scale, shift)  # a group a channel: instance norm
        return functional.batch_norm(maps, state[f"{name}.running_mean"], state[f"{name}.running_var"], scale, shift)

    def convolved(maps: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        maps = functional.conv2d(maps, state[f"{name}.conv.weight"], stride=stride, padding=padding)
        return normed(maps, f"{name}.bn")

    def light(maps: Tensor, name: str) -> Tensor:
        maps = functional.conv2d(maps, state[f"{name}.conv1.weight"])
        maps = functional.conv2d(maps, state[f"{name}.conv2.weight"], padding=1, groups=maps.shape[1])
        return normed(maps, f"{name}.bn").relu()

    def gated(maps: Tensor, name: str) -> Tensor:
        first, second = (state[f"{name}.{layer}.weight"][:, :, 0, 0] for layer in ("fc1", "fc2"))
        hidden = torch.relu(maps.mean(dim=(2, 3)) @ first.T + state[f"{name}.fc1.bias"])
        gate = torch.sigmoid(hidden @ second.T + state[f"{name}.fc2.bias"])
        return maps * gate[:, :, None, None]

    def block(maps: Tensor, name: str) -> Tensor:
        narrow = convolved(maps, f"{name}.conv1").relu()
        total = gated(light(narrow, f"{name}.conv2a"), f"{name}.gate")
        for stream, depth in (("conv2b", 2), ("conv2c", 3), ("conv2d", 4)):
            inner = narrow
            for layer in range(depth):
                inner = light(inner, f"{name}.{stream}.{layer}")
            total = total + gated(inner, f"{name}.gate")
        shortcut = convolved(maps, f"{name}.downsample") if f"{name}.downsample.conv.weight" in state else maps
        result = convolved(total, f"{name}.conv3") + shortcut
        return (normed(result, f"{name}.IN") if f"{name}.IN.weight" in state else result).relu()

    maps = functional.max_pool2d(convolved(images, "conv1", stride=2, padding=3).relu(), 3, stride=2, padding=1)
    for stage in ("conv2", "conv3", "conv4"):
        maps = block(block(maps, f"{stage}.0"), f"{stage}.1")
        if stage != "conv4":
            maps = functional.avg_pool2d(convolved(maps, f"{stage}.2.0").relu(), 2)
    pooled = convolved(maps, "conv5").relu().mean(dim=(2, 3))
    return normed(pooled @ state["fc.0.weight"].T + state["fc.0.bias"], "fc.1").relu()


@pytest.mark.parametrize("width", [0.25, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("size", [(256, 128), (128, 64)])
def test_features_have_the_recipes_size(width: float, size: tuple[int, int]) -> None:
    network = osnet_of(width, feature_size=48).eval()
    with torch.no_grad():
        features = network(torch.randn(1, 3, *size))
    assert features.shape == (1, network.feature_size)
    assert network.feature_size == 48


def test_every_parameter_learns() -> None:
    network = osnet_of(0.25)
    network(torch.randn(4, 3, 64, 32)).square().sum().backward()
    gradients = {name: value.grad for name, value in network.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None or not gradient.isfinite().all()] == []
    assert network.state_dict()["fc.0.weight"].std().item() == pytest.approx(0.01, rel=0.05)
