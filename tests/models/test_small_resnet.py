from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reseen.models.pooling import AveragePooling
from reseen.models.small_resnet import SmallResNet
from reseen.recipe import schema


def reference(state: Mapping[str, Tensor], images: Tensor, settings: schema.SmallResNet) -> Tensor:
    """The network once more, from its description, by the names of its parameters."""

    def convolved(maps: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = state[f"{name}.0.weight"]
        maps = functional.conv2d(maps, weight, stride=stride, padding=weight.shape[-1] // 2)
        mean, variance, scale, shift = (
            state[f"{name}.1.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (maps - mean) / (variance + 1e-5).sqrt() * scale + shift

    maps = convolved(images, "stem", stride=2).clamp(min=0)
    last = len(settings.widths) - 2
    for stage in range(last + 1):
        maps = convolved(maps, f"stages.{stage}.0", settings.last_stride if stage == last else 2).clamp(min=0)
        for block in range(1, settings.blocks + 1):
            changed = convolved(maps, f"stages.{stage}.{block}.first").clamp(min=0)
            maps = (maps + convolved(changed, f"stages.{stage}.{block}.second")).clamp(min=0)
    return maps.sum((2, 3)) / (maps.shape[2] * maps.shape[3])


@pytest.mark.parametrize(
    "settings",
    [
        schema.SmallResNet(),
        schema.SmallResNet(widths=(4, 8)),
        schema.SmallResNet(widths=(8, 4, 8, 16, 5)),
        schema.SmallResNet(widths=(8, 16, 24), blocks=2, last_stride=1),
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [(128, 64), (37, 50)], ids=str)
def test_forward_equals_one_written_from_the_description(
    settings: schema.SmallResNet, size: tuple[int, int], shaken: Callable[[nn.Module], nn.Module]
) -> None:
    network = SmallResNet(settings, AveragePooling())
    shaken(network)
    images = torch.randn(3, 3, *size, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        features = network(images)
        expected = reference(network.state_dict(), images, settings)

    assert features.shape == (3, settings.widths[-1]) == (3, network.feature_size)
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4)


def test_an_image_is_embedded_alike_alone_and_in_a_batch(shaken: Callable[[nn.Module], nn.Module]) -> None:
    network = shaken(SmallResNet(schema.SmallResNet(), AveragePooling()))
    images = torch.randn(4, 3, 128, 64, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        torch.testing.assert_close(network(images)[2:3], network(images[2:3]), rtol=1e-4, atol=1e-5)


def test_every_parameter_learns() -> None:
    torch.manual_seed(0)
    network = SmallResNet(schema.SmallResNet(widths=(8, 16)), AveragePooling()).train()

    network(torch.randn(4, 3, 32, 16)).square().sum().backward()

    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_convolutions_start_as_the_other_backbones_do() -> None:
    torch.manual_seed(0)
    weight = SmallResNet(schema.SmallResNet(), AveragePooling()).state_dict()["stages.2.1.first.0.weight"]

    assert weight.std().item() == pytest.approx((2 / (160 * 9)) ** 0.5, rel=0.02)
