"""ResNet-50 (He et al., CVPR 2016), with the changes that person re-identification makes to it."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from reseen.models.backbone import Backbone, initialise_convolutions
from reseen.recipe import schema

EXPANSION = 4
"""A block's output has four times the channels of its 3×3 convolution."""


class ResNet50(Backbone):
    """ResNet-50 up to its global average pooling: 2048-d features.

    Parameters are named as in torchvision, less its `fc`. See `schema.ResNet` for the options.
    """

    feature_size = 2048

    def __init__(self, settings: schema.ResNet) -> None:
        super().__init__()
        on_1x1 = settings.stride_on == "1x1"
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True) if settings.stem_relu else nn.Identity()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(64, 64, blocks=3, stride=1, stride_on_1x1=on_1x1)
        self.layer2 = _stage(256, 128, blocks=4, stride=2, stride_on_1x1=on_1x1)
        self.layer3 = _stage(512, 256, blocks=6, stride=2, stride_on_1x1=on_1x1)
        self.layer4 = _stage(1024, 512, blocks=3, stride=settings.last_stride, stride_on_1x1=on_1x1)
        initialise_convolutions(self)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 2048"]:
        """Globally average-pooled features of the last stage."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        features: Tensor = maps.mean((2, 3))
        return features


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 convolutions and a shortcut; the stride sits on the first or the second of them."""

    def __init__(self, inputs: int, middle: int, stride: int, *, stride_on_1x1: bool) -> None:
        super().__init__()
        outputs = middle * EXPANSION
        first, second = (stride, 1) if stride_on_1x1 else (1, stride)
        self.conv1 = nn.Conv2d(inputs, middle, 1, stride=first, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride=second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k g v"]:
        """The block's output, `stride` times smaller."""
        inner = self.relu(self.bn1(self.conv1(maps)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        result: Tensor = self.relu(inner + self.downsample(maps))
        return result


def _stage(inputs: int, middle: int, *, blocks: int, stride: int, stride_on_1x1: bool) -> nn.Sequential:
    """Blocks of one resolution; the first changes the channels and carries the stride."""
    first = Bottleneck(inputs, middle, stride, stride_on_1x1=stride_on_1x1)
    others = (Bottleneck(middle * EXPANSION, middle, 1, stride_on_1x1=stride_on_1x1) for _ in range(blocks - 1))
    return nn.Sequential(first, *others)
