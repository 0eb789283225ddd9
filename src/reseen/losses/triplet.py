"""Triplet loss with batch-hard mining."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from reseen.recipe import schema
from reseen.shapes import Float, Int64

SMALLEST_SQUARE = 1e-12
"""Squared distances are raised to this: the square root has no gradient at 0."""


class TripletLoss(nn.Module):
    """Batch-hard triplet loss (Hermans et al., 2017, equation 5) on Euclidean distances.

    Every image is an anchor once: its farthest image of the same person (itself excluded) should be nearer than its
    nearest image of another person, by `margin` or, with a soft margin, by as much as softplus asks. Anchors
    without a positive or without a negative are left out of the mean; where no anchor is left the loss is 0.
    """

    def __init__(self, settings: schema.Triplet) -> None:
        super().__init__()
        self.margin = settings.margin

    def forward(self, features: Float[Tensor, "b d"], labels: Int64[Tensor, " b"]) -> Float[Tensor, ""]:
        """Mean over the anchors."""
        same = labels[:, None] == labels[None, :]
        positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        mined = positive.any(1) & ~same.all(1)
        distances = _euclidean(features)
        farthest_positive = distances.masked_fill(~positive, -torch.inf).amax(1)
        nearest_negative = distances.masked_fill(same, torch.inf).amin(1)
        # Masked, not picked: an accelerator would make Python wait to learn how many anchors there are.
        gap = (farthest_positive - nearest_negative).masked_fill(~mined, 0)
        losses = functional.softplus(gap) if self.margin == "soft" else functional.relu(gap + self.margin)
        return losses.masked_fill(~mined, 0).sum() / mined.sum().clamp_min(1)


def _euclidean(features: Float[Tensor, "b d"]) -> Float[Tensor, "b b"]:
    squares = features.square().sum(1)
    squared = squares[:, None] + squares[None, :] - 2 * features @ features.T
    return squared.clamp_min(SMALLEST_SQUARE).sqrt()
