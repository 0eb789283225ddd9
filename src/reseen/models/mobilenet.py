"""MobileNetV3-small (Howard et al., ICCV 2019, table 2)."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from reseen.models.backbone import Backbone, initialise_convolutions
from reseen.recipe import schema
from reseen.shapes import Float

STEM, LAST = 16, 576
"""Channels of the stem and of the last convolution."""
SQUEEZE = 4
"""A squeeze-and-excite layer works on a quarter of the channels, rounded to a multiple of 8."""


class Row(NamedTuple):
    """A block of table 2: a depthwise convolution of size `kernel` on `middle` channels between two pointwise ones."""

    kernel: int
    middle: int
    outputs: int
    squeeze: bool
    activation: type[nn.Module]
    stride: int


ROWS = (
    Row(3, 16, 16, True, nn.ReLU, 2),
    Row(3, 72, 24, False, nn.ReLU, 2),
    Row(3, 88, 24, False, nn.ReLU, 1),
    Row(5, 96, 40, True, nn.Hardswish, 2),
    Row(5, 240, 40, True, nn.Hardswish, 1),
    Row(5, 240, 40, True, nn.Hardswish, 1),
    Row(5, 120, 48, True, nn.Hardswish, 1),
    Row(5, 144, 48, True, nn.Hardswish, 1),
    Row(5, 288, 96, True, nn.Hardswish, 2),
    Row(5, 576, 96, True, nn.Hardswish, 1),
    Row(5, 576, 96, True, nn.Hardswish, 1),
)
LAST_STRIDE = 8
"""The row whose stride a recipe may set: the last that has one."""


class MobileNetV3Small(Backbone):
    """MobileNetV3-small up to its pooling: 576-d features.

    Parameters are named as in torchvision, less its `classifier`.
    """

    feature_size = LAST

    def __init__(self, settings: schema.MobileNetV3Small, pool: nn.Module) -> None:
        super().__init__(pool)
        layers: list[nn.Module] = [_convolution(3, STEM, kernel=3, stride=2, activation=nn.Hardswish)]
        inputs = STEM
        for index, row in enumerate(ROWS):
            stride = settings.last_stride if index == LAST_STRIDE else row.stride
            layers.append(InvertedResidual(inputs, row._replace(stride=stride)))
            inputs = row.outputs
        self.features = nn.Sequential(*layers, _convolution(inputs, LAST, activation=nn.Hardswish))
        initialise_convolutions(self)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 576"]:
        """Pooled features of the last convolution."""
        features: Tensor = self.pool(self.features(images))
        return features


class InvertedResidual(nn.Module):
    """Expand, filter each channel, weigh the channels, project; with a shortcut where the sizes agree (figure 4)."""

    def __init__(self, inputs: int, row: Row) -> None:
        super().__init__()
        kernel, middle, outputs, squeeze, activation, stride = row
        expand = [_convolution(inputs, middle, activation=activation)] if middle != inputs else []
        weigh = [SqueezeExcitation(middle)] if squeeze else []
        self.block = nn.Sequential(
            *expand,
            _convolution(middle, middle, kernel=kernel, stride=stride, groups=middle, activation=activation),
            *weigh,
            _convolution(middle, outputs),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k g v"]:
        """The block's output, `stride` times smaller."""
        changed: Tensor = self.block(maps)
        return maps + changed if self.residual else changed


class SqueezeExcitation(nn.Module):
    """Weighs each channel by a small network of the channels' means (§5.3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = max(8, int(channels / SQUEEZE + 4) // 8 * 8)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The maps, each channel scaled by its weight in 0..1."""
        hidden = self.fc1(maps.mean((2, 3), keepdim=True)).relu()
        return maps * nn.functional.hardsigmoid(self.fc2(hidden))


def _convolution(
    inputs: int,
    outputs: int,
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = None,
) -> nn.Sequential:
    """Convolution and batch norm, of the momentum and ε of the published weights, and an activation."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=0.001, momentum=0.01),
    ]
    return nn.Sequential(*layers, *([activation(inplace=True)] if activation else []))
