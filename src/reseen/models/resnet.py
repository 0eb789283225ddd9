"""ResNet (He et al., CVPR 2016), with the changes that person re-identification makes to it."""

from __future__ import annotations

from torch import Tensor, nn

from reseen.models.backbone import Backbone, initialise_convolutions
from reseen.models.residual_blocks import BasicBlock, Bottleneck
from reseen.recipe import schema
from reseen.shapes import Float

Block = type[BasicBlock | Bottleneck]
LAYOUTS: dict[str, tuple[Block, tuple[int, int, int, int]]] = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
}
"""The block of each network, and how many of them a stage has (table 1)."""


class ResNet(Backbone):
    """ResNet up to its pooling: 512-d features with basic blocks, 2048-d with bottlenecks.

    Parameters are named as in torchvision, less its `fc`, and with IBN-a as in its authors' checkpoints. See
    `schema.ResNet` for the options.
    """

    def __init__(self, settings: schema.ResNet, pool: nn.Module) -> None:
        super().__init__(pool)
        block, (first, second, third, fourth) = LAYOUTS[settings.name]
        early = settings.stride_on == "1x1" or block is BasicBlock
        wide, ibn = block.expansion, settings.ibn
        last = settings.last_stride
        whole = settings.stages == 4
        self.feature_size = (512 if whole else 256) * wide
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True) if settings.stem_relu else nn.Identity()
        self.maxpool = (
            nn.MaxPool2d(3, 2, padding=1) if settings.max_pool == "padded" else nn.MaxPool2d(3, 2, ceil_mode=True)
        )
        self.layer1 = _stage(block, first, 64, 64, stride=1, early=early, ibn=ibn)
        self.layer2 = _stage(block, second, 64 * wide, 128, stride=2, early=early, ibn=ibn)
        self.layer3 = _stage(block, third, 128 * wide, 256, stride=2 if whole else last, early=early, ibn=ibn)
        self.layer4 = (
            _stage(block, fourth, 256 * wide, 512, stride=last, early=early, ibn=False) if whole else nn.Identity()
        )
        initialise_convolutions(self)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Pooled features of the last stage."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        features: Tensor = self.pool(self.layer4(self.layer3(self.layer2(self.layer1(maps)))))
        return features


def _stage(
    block: Block, blocks: int, inputs: int, middle: int, *, stride: int, early: bool, ibn: bool
) -> nn.Sequential:
    """Blocks of one resolution; the first changes the channels and carries the stride, `early` on its first layer."""
    strides = (stride, 1) if early else (1, stride)
    others = (block(middle * block.expansion, middle, (1, 1), ibn=ibn) for _ in range(blocks - 1))
    return nn.Sequential(block(inputs, middle, strides, ibn=ibn), *others)
