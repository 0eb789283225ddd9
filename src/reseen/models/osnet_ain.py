"""OSNet-AIN: OSNet with instance norms at places found by search (Zhou et al., TPAMI 2021, §4 and table 1)."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from reseen.models.backbone import Backbone
from reseen.models.osnet_layers import (
    BOTTLENECK,
    CHANNELS,
    ChannelGate,
    batch_norm,
    convolution,
    fully_connected,
    initialise,
    instance_norm,
    stream,
    transition,
)
from reseen.recipe import schema
from reseen.shapes import Float

STREAMS = (1, 2, 3, 4)
"""Light convolutions of each stream."""


class OSNetAIN(Backbone):
    """OSNet-AIN up to its fully connected layer, after which the feature is read.

    The stem and four of the six blocks have an instance norm. Parameters are named as in the checkpoints its authors
    publish, less their `classifier`.
    """

    def __init__(self, settings: schema.OSNet, pool: nn.Module) -> None:
        super().__init__(pool)
        stem, first, second, third = (int(channels * settings.width) for channels in CHANNELS)
        self.feature_size = settings.feature_size
        self.conv1 = convolution(3, stem, kernel=7, stride=2, norm=instance_norm)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv2 = nn.Sequential(
            SearchedBlock(stem, first, instance_norms=True), SearchedBlock(first, first, instance_norms=True)
        )
        self.pool2 = transition(first)
        self.conv3 = nn.Sequential(
            SearchedBlock(first, second, instance_norms=False), SearchedBlock(second, second, instance_norms=True)
        )
        self.pool3 = transition(second)
        self.conv4 = nn.Sequential(
            SearchedBlock(second, third, instance_norms=True), SearchedBlock(third, third, instance_norms=False)
        )
        self.conv5 = convolution(third, third)
        self.fc = fully_connected(third, self.feature_size)
        initialise(self)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Features after the fully connected layer, its batch norm and ReLU."""
        maps = self.pool2(self.conv2(self.maxpool(self.conv1(images))))
        maps = self.pool3(self.conv3(maps))
        features: Tensor = self.fc(self.pool(self.conv5(self.conv4(maps))))
        return features


class SearchedBlock(nn.Module):
    """OSNet's block; with an instance norm, that takes the place of the last batch norm before the residual sum."""

    def __init__(self, inputs: int, outputs: int, *, instance_norms: bool) -> None:
        super().__init__()
        middle = outputs // BOTTLENECK
        self.conv1 = convolution(inputs, middle)
        self.conv2 = nn.ModuleList(nn.Sequential(OrderedDict(layers=stream(middle, depth))) for depth in STREAMS)
        self.gate = ChannelGate(middle)
        self.conv3 = convolution(middle, outputs, norm=None if instance_norms else batch_norm, relu=False)
        self.downsample = convolution(inputs, outputs, relu=False) if inputs != outputs else nn.Identity()
        self.IN = instance_norm(outputs) if instance_norms else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """The block's output, at the same size."""
        narrow = self.conv1(maps)
        first, *others = (self.gate(scale(narrow)) for scale in self.conv2)
        gated = sum(others, start=first)
        result: Tensor = self.relu(self.IN(self.conv3(gated)) + self.downsample(maps))
        return result
