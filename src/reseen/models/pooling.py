"""Pooling: from feature maps to one feature an image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reseen.shapes import Float

SMALLEST = 1e-6
"""Values are raised to this before they are raised to a power: a negative one has no real power."""


class AveragePooling(nn.Module):
    """The mean over the map."""

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c"]:
        """One value a channel."""
        return maps.mean((2, 3))


class GeMPooling(nn.Module):
    """Generalised mean (Radenović et al., TPAMI 2018, equation 3), one exponent for all channels.

    Computed in the exponent's precision, 32 bits under autocast too, and relative to the map's peak: so large
    exponents neither overflow nor underflow.

    Args:
        exponent: p at the start; 1 is the mean, and the larger p, the nearer the result is to the maximum.
        learn: whether p is learnt.

    Attributes:
        p: the exponent, of shape (1,).
    """

    p: Tensor

    def __init__(self, exponent: float, *, learn: bool) -> None:
        super().__init__()
        p = torch.tensor([exponent])
        if learn:
            self.p = nn.Parameter(p)
        else:
            self.register_buffer("p", p)

    def forward(self, maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c"]:
        """One value a channel, at least `SMALLEST`."""
        with torch.autocast(maps.device.type, enabled=False):
            values = maps.to(self.p.dtype).clamp_min(SMALLEST)
            peak = values.detach().amax((2, 3), keepdim=True)  # scales out of the mean: its gradient is none
            means = (values / peak).pow(self.p).mean((2, 3))
            return peak[:, :, 0, 0] * means.pow(1 / self.p)
