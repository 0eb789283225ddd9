"""IBN-a: instance norm and batch norm side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reseen.shapes import Float


class IBN(nn.Module):
    """Instance norm for the first half of the channels, batch norm for the others (Pan et al., ECCV 2018, §3.3).

    Parameters are named as in the checkpoints its authors publish.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.sizes = [channels // 2, channels - channels // 2]
        self.IN = nn.InstanceNorm2d(self.sizes[0], affine=True)
        self.BN = nn.BatchNorm2d(self.sizes[1])

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The normalised maps."""
        first, second = torch.split(maps, self.sizes, dim=1)
        return torch.cat([self.IN(first), self.BN(second)], dim=1)
