"""The two residual blocks of ResNet (He et al., CVPR 2016, figure 5), with parameters named as in torchvision."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from reseen.models.ibn import IBN
from reseen.shapes import Float


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut.

    Args:
        inputs: channels of the maps that come in.
        middle: channels of both convolutions.
        strides: of the two convolutions.
        ibn: whether the first norm is an IBN-a.
    """

    expansion: ClassVar[int] = 1
    """Channels that go out for one in the middle."""

    def __init__(self, inputs: int, middle: int, strides: tuple[int, int], *, ibn: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, middle, 3, stride=strides[0], padding=1, bias=False)
        self.bn1 = IBN(middle) if ibn else nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride=strides[1], padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inputs, middle, strides[0] * strides[1])

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k g v"]:
        """The block's output, made smaller by both strides."""
        inner = self.relu(self.bn1(self.conv1(maps)))
        inner = self.bn2(self.conv2(inner))
        result: Tensor = self.relu(inner + self.downsample(maps))
        return result


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 convolutions and a shortcut.

    Args:
        inputs: channels of the maps that come in.
        middle: channels of the first two convolutions.
        strides: of the first two convolutions.
        ibn: whether the first norm is an IBN-a.
    """

    expansion: ClassVar[int] = 4
    """Channels that go out for one in the middle."""

    def __init__(self, inputs: int, middle: int, strides: tuple[int, int], *, ibn: bool) -> None:
        super().__init__()
        outputs = middle * self.expansion
        self.conv1 = nn.Conv2d(inputs, middle, 1, stride=strides[0], bias=False)
        self.bn1 = IBN(middle) if ibn else nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride=strides[1], padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inputs, outputs, strides[0] * strides[1])

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k g v"]:
        """The block's output, made smaller by both strides."""
        inner = self.relu(self.bn1(self.conv1(maps)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        result: Tensor = self.relu(inner + self.downsample(maps))
        return result


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Brings the maps that come in to the size of those that go out."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
