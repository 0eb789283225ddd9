"""OSNet: omni-scale feature learning (Zhou et al., ICCV 2019, §3 and table 1)."""

from __future__ import annotations

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from reseen.models.backbone import Backbone, initialise_convolutions
from reseen.recipe import schema

CHANNELS = (64, 256, 384, 512)
"""Channels of the stem and the three stages at width 1."""
BLOCKS_PER_STAGE = 2
BOTTLENECK = 4
"""A block works on 1/4 of its output channels."""
GATE_REDUCTION = 16


class OSNet(Backbone):
    """OSNet up to its fully connected layer, after which the feature is read.

    Parameters are named as in the checkpoints its authors publish, less their `classifier`.
    """

    def __init__(self, settings: schema.OSNet) -> None:
        super().__init__()
        stem, first, second, third = (int(channels * settings.width) for channels in CHANNELS)
        self.feature_size = settings.feature_size
        self.conv1 = _convolution(3, stem, kernel=7, stride=2)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv2 = _stage(stem, first, halve=True)
        self.conv3 = _stage(first, second, halve=True)
        self.conv4 = _stage(second, third, halve=False)
        self.conv5 = _convolution(third, third)
        linear = nn.Linear(third, self.feature_size)
        self.fc = nn.Sequential(linear, nn.BatchNorm1d(self.feature_size), nn.ReLU(inplace=True))
        initialise_convolutions(self)
        nn.init.normal_(linear.weight, std=0.01)
        nn.init.zeros_(linear.bias)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Features after the fully connected layer, its batch norm and ReLU."""
        maps = self.maxpool(self.conv1(images))
        maps = self.conv5(self.conv4(self.conv3(self.conv2(maps))))
        features: Tensor = self.fc(maps.mean((2, 3)))
        return features


class OmniScaleBlock(nn.Module):
    """Residual bottleneck of four streams, summed under one shared gate (equations 3 and 4).

    Stream t stacks t light 3×3 convolutions, and so sees (2t + 1)² pixels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        middle = outputs // BOTTLENECK
        self.conv1 = _convolution(inputs, middle)
        self.conv2a = LightConvolution(middle)
        self.conv2b = _stream(middle, 2)
        self.conv2c = _stream(middle, 3)
        self.conv2d = _stream(middle, 4)
        self.gate = ChannelGate(middle)
        self.conv3 = _convolution(middle, outputs, relu=False)
        self.downsample = _convolution(inputs, outputs, relu=False) if inputs != outputs else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """The block's output, at the same size."""
        narrow = self.conv1(maps)
        gated = self.gate(self.conv2a(narrow))
        for stream in (self.conv2b, self.conv2c, self.conv2d):
            gated = gated + self.gate(stream(narrow))
        result: Tensor = self.relu(self.conv3(gated) + self.downsample(maps))
        return result


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


def _convolution(inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, relu: bool = True) -> nn.Sequential:
    """Convolution and batch norm, and a ReLU unless a residual sum follows."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False), bn=nn.BatchNorm2d(outputs)
    )
    if relu:
        layers["relu"] = nn.ReLU(inplace=True)
    return nn.Sequential(layers)


def _stream(channels: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(LightConvolution(channels) for _ in range(depth)))


def _stage(inputs: int, outputs: int, *, halve: bool) -> nn.Sequential:
    """Blocks, and between stages a transition that halves the maps."""
    layers: list[nn.Module] = [
        OmniScaleBlock(inputs if index == 0 else outputs, outputs) for index in range(BLOCKS_PER_STAGE)
    ]
    if halve:
        layers.append(nn.Sequential(_convolution(outputs, outputs), nn.AvgPool2d(2)))
    return nn.Sequential(*layers)
