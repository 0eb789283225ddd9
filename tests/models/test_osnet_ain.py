from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reseen.models.osnet_ain import OSNetAIN
from reseen.models.pooling import AveragePooling
from reseen.recipe import schema

BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
CONVOLUTION = ("conv.weight", *(f"bn.{name}" for name in BATCH_NORM))
WITH_INSTANCE_NORM = ["conv2.0", "conv2.1", "conv3.1", "conv4.0"]


def osnet_ain_of(width: float, feature_size: int = 512) -> OSNetAIN:
    settings = {"name": "osnet_ain", "width": width, "feature_size": feature_size}
    return OSNetAIN(schema.OSNet.model_validate(settings), AveragePooling())


@pytest.mark.parametrize(("width", "parameters"), [(0.25, 203_568), (1.0, 2_193_616)])
def test_size_is_that_of_osnet(width: float, parameters: int) -> None:
    """Norms of both kinds have as many parameters; the published figure counts a block's one gate four times."""
    network = osnet_ain_of(width)
    gates = sum(value.numel() for name, value in network.named_parameters() if ".gate." in name)
    assert sum(value.numel() for value in network.parameters()) + 3 * gates == parameters


def test_parameters_are_named_and_shaped_as_in_published_checkpoints() -> None:
    shapes = {name: tuple(value.shape) for name, value in osnet_ain_of(1.0).state_dict().items()}
    block = {name.removeprefix("conv2.0.") for name in shapes if name.startswith("conv2.0.")}
    light = {"conv1.weight", "conv2.weight", *(f"bn.{name}" for name in BATCH_NORM)}
    assert block == {
        *(f"{part}.{name}" for part in ("conv1", "downsample") for name in CONVOLUTION),
        *(f"conv2.{depth}.layers.{i}.{name}" for depth in range(4) for i in range(depth + 1) for name in light),
        *(f"gate.{layer}.{name}" for layer in ("fc1", "fc2") for name in ("weight", "bias")),
        *("conv3.conv.weight", "IN.weight", "IN.bias"),
    }
    assert [name.removesuffix(".IN.weight") for name in shapes if name.endswith(".IN.weight")] == WITH_INSTANCE_NORM
    assert len(shapes) == 550
    published = {
        "conv1.bn.weight": (64,),
        "pool2.0.conv.weight": (256, 256, 1, 1),
        "pool3.0.bn.running_var": (384,),
        "conv3.0.conv3.bn.running_mean": (384,),
        "conv4.1.conv3.bn.weight": (512,),
        "conv5.bn.bias": (512,),
        "fc.0.weight": (512, 512),
    }
    assert {name: shapes.get(name) for name in published} == published
    assert "conv1.bn.running_mean" not in shapes


def test_forward_equals_one_written_from_the_paper(shaken: Callable[[nn.Module], nn.Module]) -> None:
    network = shaken(osnet_ain_of(0.25, feature_size=32))
    images = torch.randn(2, 3, 64, 32)
    with torch.no_grad():
        features = network(images)
    assert features.std() > 0.1
    torch.testing.assert_close(features, reference(network.state_dict(), images), rtol=1e-4, atol=1e-5)


def reference(state: Mapping[str, Tensor], images: Tensor) -> Tensor:
    def normed(maps: Tensor, name: str) -> Tensor:
        scale, shift = state[f"{name}.weight"], state[f"{name}.bias"]
        if f"{name}.running_mean" not in state:
            return functional.group_norm(maps, maps.shape[1], scale, shift)  # a group a channel: instance norm
        return functional.batch_norm(maps, state[f"{name}.running_mean"], state[f"{name}.running_var"], scale, shift)

    def convolved(maps: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        maps = functional.conv2d(maps, state[f"{name}.conv.weight"], stride=stride, padding=padding)
        return normed(maps, f"{name}.bn") if f"{name}.bn.weight" in state else maps

    def light(maps: Tensor, name: str) -> Tensor:
        maps = functional.conv2d(maps, state[f"{name}.conv1.weight"])
        maps = functional.conv2d(maps, state[f"{name}.conv2.weight"], padding=1, groups=maps.shape[1])
        return normed(maps, f"{name}.bn").relu()

    def gated(maps: Tensor, name: str) -> Tensor:
        hidden = functional.conv2d(maps.mean((2, 3), keepdim=True), state[f"{name}.fc1.weight"])
        hidden = torch.relu(hidden + state[f"{name}.fc1.bias"][:, None, None])
        gate = functional.conv2d(hidden, state[f"{name}.fc2.weight"], state[f"{name}.fc2.bias"])
        return maps * torch.sigmoid(gate)

    def block(maps: Tensor, name: str) -> Tensor:
        narrow = convolved(maps, f"{name}.conv1").relu()
        total = torch.zeros_like(narrow)
        for depth in range(4):
            inner = narrow
            for layer in range(depth + 1):
                inner = light(inner, f"{name}.conv2.{depth}.layers.{layer}")
            total = total + gated(inner, f"{name}.gate")
        wide = convolved(total, f"{name}.conv3")
        if name in WITH_INSTANCE_NORM:
            wide = normed(wide, f"{name}.IN")
        shortcut = convolved(maps, f"{name}.downsample") if f"{name}.downsample.conv.weight" in state else maps
        return (wide + shortcut).relu()

    maps = functional.max_pool2d(convolved(images, "conv1", stride=2, padding=3).relu(), 3, stride=2, padding=1)
    for stage, transition in (("conv2", "pool2"), ("conv3", "pool3"), ("conv4", None)):
        maps = block(block(maps, f"{stage}.0"), f"{stage}.1")
        if transition:
            maps = functional.avg_pool2d(convolved(maps, f"{transition}.0").relu(), 2)
    pooled = convolved(maps, "conv5").relu().mean(dim=(2, 3))
    return normed(pooled @ state["fc.0.weight"].T + state["fc.0.bias"], "fc.1").relu()


def test_every_parameter_learns() -> None:
    network = osnet_ain_of(0.25)
    network(torch.randn(4, 3, 64, 32)).square().sum().backward()
    gradients = {name: value.grad for name, value in network.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None or not gradient.isfinite().all()] == []
