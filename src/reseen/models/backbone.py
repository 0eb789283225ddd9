"""`Backbone`: what every feature extractor has in common."""

from __future__ import annotations

from torch import nn


class Backbone(nn.Module):
    """Maps normalised images (b, 3, h, w) to pooled features (b, `feature_size`).

    Args:
        pool: from feature maps (b, c, h, w) to features (b, c).

    Attributes:
        feature_size: d, the number of channels of the pooled feature.
    """

    feature_size: int

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool


def initialise_convolutions(module: nn.Module) -> None:
    """Fresh convolutions, Kaiming normal over the fan-out (He et al., ICCV 2015), batch norms of scale 1, shift 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
