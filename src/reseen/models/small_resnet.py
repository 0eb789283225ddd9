"""A small residual network that learns within a minute: for demos, tests and first looks at new data."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from reseen.models.backbone import Backbone, initialise_convolutions
from reseen.recipe import schema
from reseen.shapes import Float


class SmallResNet(Backbone):
    """A 5×5 stem of stride 2, then for each further width a convolution of stride 2 and basic residual blocks.

    The features are as long as the last width.
    """

    def __init__(self, settings: schema.SmallResNet, pool: nn.Module) -> None:
        super().__init__(pool)
        self.feature_size = settings.widths[-1]
        self.stem = _convolution(3, settings.widths[0], size=5, stride=2)
        strides = [*[2] * (len(settings.widths) - 2), settings.last_stride]
        self.stages = nn.Sequential(
            *(
                nn.Sequential(
                    _convolution(inputs, outputs, size=3, stride=stride),
                    *(BasicBlock(outputs) for _ in range(settings.blocks)),
                )
                for (inputs, outputs), stride in zip(pairwise(settings.widths), strides, strict=True)
            )
        )
        initialise_convolutions(self)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """Pooled features of the last stage."""
        features: Tensor = self.pool(self.stages(self.stem(images)))
        return features


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut (He et al., CVPR 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels, size=3, stride=1)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Maps of the same size."""
        changed: Tensor = self.relu(self.second(self.first(maps)) + maps)
        return changed


def _convolution(inputs: int, outputs: int, *, size: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
