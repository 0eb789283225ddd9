"""`DeployedNetwork`: the whole way from pixels to the feature in one graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reseen.images.preprocess import Preprocess
from reseen.models.embedder import unit_norm
from reseen.models.network import ReIDNetwork
from reseen.shapes import Float32, UInt8


class DeployedNetwork(nn.Module):
    """Normalising, network and unit norm: uint8 RGB images at the preprocess size in, unit-norm features out.

    Lengths are divided away as `unit_norm` writes it: the form that torch's own `normalize` is exported in makes MNN
    divide by the length of the whole batch.

    Args:
        network: put into evaluation mode.
        preprocess: its mean and std.
    """

    scale: Tensor
    offset: Tensor

    def __init__(self, network: ReIDNetwork, preprocess: Preprocess) -> None:
        super().__init__()
        self.network = network.eval()
        mean, std = (
            torch.tensor(preprocess.mean, dtype=torch.float64),
            torch.tensor(preprocess.std, dtype=torch.float64),
        )
        self.register_buffer("scale", (1 / (255 * std)).float().view(1, 3, 1, 1))
        self.register_buffer("offset", (-mean / std).float().view(1, 3, 1, 1))

    def forward(self, images: UInt8[Tensor, "b h w 3"]) -> Float32[Tensor, "b d"]:
        """Unit-norm features."""
        maps = images.permute(0, 3, 1, 2).float()
        return unit_norm(self.network.embed(maps * self.scale + self.offset))
