"""The layers that OSNet and its relatives are made of (Zhou et al., ICCV 2019, §3)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from torch import Tensor, nn

from reseen.models.backbone import initialise_convolutions
from reseen.shapes import Float

CHANNELS = (64, 256, 384, 512)
"""Channels of the stem and the three stages at width 1."""
BOTTLENECK = 4
"""A block works on 1/4 of its output channels."""
GATE_REDUCTION = 16

Norm = Callable[[int], nn.Module]


class LightConvolution(nn.Module):
    """Lite 3×3: pointwise then depthwise, without a nonlinearity between (§3.1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The filtered maps, at the same size."""
        filtered: Tensor = self.relu(self.bn(self.conv2(self.conv1(maps))))
        return filtered


class ChannelGate(nn.Module):
    """Aggregation gate: weighs each channel by a small network of its own mean (§3.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // GATE_REDUCTION, 1)
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(channels // GATE_REDUCTION, channels, 1)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The maps, each channel scaled by its gate in 0..1."""
        gated: Tensor = maps * self.fc2(self.relu(self.fc1(maps.mean((2, 3), keepdim=True)))).sigmoid()
        return gated


def batch_norm(channels: int) -> nn.Module:
    """The usual norm."""
    return nn.BatchNorm2d(channels)


def instance_norm(channels: int) -> nn.Module:
    """The norm for other domains; its scale and shift are learnt."""
    return nn.InstanceNorm2d(channels, affine=True)


def convolution(
    inputs: int,
    outputs: int,
    *,
    kernel: int = 1,
    stride: int = 1,
    norm: Norm | None = batch_norm,
    relu: bool = True,
) -> nn.Sequential:
    """Convolution and norm, and a ReLU unless a residual sum follows."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    if norm is not None:
        layers["bn"] = norm(outputs)
    if relu:
        layers["relu"] = nn.ReLU(inplace=True)
    return nn.Sequential(layers)


def stream(channels: int, depth: int) -> nn.Sequential:
    """Light convolutions one after the other; together they see (2·depth + 1)² pixels."""
    return nn.Sequential(*(LightConvolution(channels) for _ in range(depth)))


def transition(channels: int) -> nn.Sequential:
    """What halves the maps between two stages."""
    return nn.Sequential(convolution(channels, channels), nn.AvgPool2d(2))


def fully_connected(inputs: int, outputs: int) -> nn.Sequential:
    """The layer after pooling; the feature is read after its ReLU."""
    return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True))


def initialise(network: nn.Module) -> None:
    """Fresh weights, as its authors draw them: linear layers N(0, 0.01²)."""
    initialise_convolutions(network)
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
