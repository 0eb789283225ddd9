"""Center loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reseen.shapes import Float, Int64

SMALLEST_SQUARE, LARGEST_SQUARE = 1e-12, 1e12
"""Squared distances are kept in this range, as in the published ReID baselines."""


class CenterLoss(nn.Module):
    """Mean squared Euclidean distance to the center of one's own person (Wen et al., ECCV 2016, equation 2).

    Without the paper's factor ½, and the mean over the batch instead of the sum: so it is in the code of the
    published ReID baselines, whose weight 5e-4 and learning rate 0.5 presume it.

    Attributes:
        centers: one learned feature a person, N(0, 1) at the start.
    """

    def __init__(self, persons: int, feature_size: int) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.randn(persons, feature_size))

    def forward(self, features: Float[Tensor, "b d"], labels: Int64[Tensor, " b"]) -> Float[Tensor, ""]:
        """Mean over the batch; labels are 0..persons-1."""
        # Not `centers[labels]`: on the processor its backward pass adds in no fixed order, and no run would repeat.
        own = self.centers.index_select(0, labels)
        squared = (features - own).square().sum(1)
        return squared.clamp(SMALLEST_SQUARE, LARGEST_SQUARE).mean()
