"""OSNet: omni-scale feature learning (Zhou et al., ICCV 2019, §3 and table 1), and its variant with instance norm."""

from __future__ import annotations

from torch import Tensor, nn

from reseen.models.backbone import Backbone
from reseen.models.osnet_layers import (
    BOTTLENECK,
    CHANNELS,
    ChannelGate,
    LightConvolution,
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


class OSNet(Backbone):
    """OSNet up to its fully connected layer, after which the feature is read.

    `osnet_ibn` has instance norms in the stem and, after the residual sum, in the blocks of the first stage.
    Parameters are named as in the checkpoints its authors publish, less their `classifier`.
    """

    def __init__(self, settings: schema.OSNet, pool: nn.Module) -> None:
        super().__init__(pool)
        stem, first, second, third = (int(channels * settings.width) for channels in CHANNELS)
        ibn = settings.name == "osnet_ibn"
        self.feature_size = settings.feature_size
        self.conv1 = convolution(3, stem, kernel=7, stride=2, norm=instance_norm if ibn else batch_norm)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv2 = nn.Sequential(*_blocks(stem, first, instance_norms=ibn), transition(first))
        self.conv3 = nn.Sequential(*_blocks(first, second), transition(second))
        self.conv4 = nn.Sequential(*_blocks(second, third))
        self.conv5 = convolution(third, third)
        self.fc = fully_connected(third, self.feature_size)
        initialise(self)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Features after the fully connected layer, its batch norm and ReLU."""
        maps = self.maxpool(self.conv1(images))
        maps = self.conv5(self.conv4(self.conv3(self.conv2(maps))))
        features: Tensor = self.fc(self.pool(maps))
        return features


class OmniScaleBlock(nn.Module):
    """Residual bottleneck of four streams, summed under one shared gate (equations 3 and 4).

    Stream t stacks t light 3×3 convolutions, and so sees (2t + 1)² pixels.
    """

    def __init__(self, inputs: int, outputs: int, *, instance_norms: bool) -> None:
        super().__init__()
        middle = outputs // BOTTLENECK
        self.conv1 = convolution(inputs, middle)
        self.conv2a = LightConvolution(middle)
        self.conv2b = stream(middle, 2)
        self.conv2c = stream(middle, 3)
        self.conv2d = stream(middle, 4)
        self.gate = ChannelGate(middle)
        self.conv3 = convolution(middle, outputs, relu=False)
        self.downsample = convolution(inputs, outputs, relu=False) if inputs != outputs else nn.Identity()
        self.IN = instance_norm(outputs) if instance_norms else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """The block's output, at the same size."""
        narrow = self.conv1(maps)
        gated = self.gate(self.conv2a(narrow))
        for scale in (self.conv2b, self.conv2c, self.conv2d):
            gated = gated + self.gate(scale(narrow))
        result: Tensor = self.relu(self.IN(self.conv3(gated) + self.downsample(maps)))
        return result


def _blocks(inputs: int, outputs: int, *, instance_norms: bool = False) -> tuple[OmniScaleBlock, OmniScaleBlock]:
    """The two blocks of a stage."""
    return (
        OmniScaleBlock(inputs, outputs, instance_norms=instance_norms),
        OmniScaleBlock(outputs, outputs, instance_norms=instance_norms),
    )
