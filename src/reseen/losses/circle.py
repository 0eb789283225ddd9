"""Circle loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from reseen.recipe import schema
from reseen.shapes import Float, Int64


class CircleLoss(nn.Module):
    """Circle loss on pairs (Sun et al., CVPR 2020, equation 6), the similarity being the cosine.

    Every image is an anchor once: s_p are its cosines to the other images of its person, s_n those to other people's.
    Each counts by how far it is from its optimum (equation 5), α_p = [1 + m − s_p]₊ and α_n = [s_n + m]₊, which are
    constants to the gradient (as equation 10 has it); they are to pass Δ_p = 1 − m and Δ_n = m. Anchors without a
    positive or without a negative are left out of the mean; where no anchor is left the loss is 0.
    """

    def __init__(self, settings: schema.Circle) -> None:
        super().__init__()
        self.margin, self.scale = settings.margin, settings.scale

    def forward(self, features: Float[Tensor, "b d"], labels: Int64[Tensor, " b"]) -> Float[Tensor, ""]:
        """Mean over the anchors."""
        same = labels[:, None] == labels[None, :]
        positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        anchors = positive.any(1) & ~same.all(1)
        directions = functional.normalize(features)
        cosines = directions @ directions.T
        positive_weights = (1 + self.margin - cosines.detach()).relu()
        negative_weights = (cosines.detach() + self.margin).relu()
        attracted = -self.scale * positive_weights * (cosines - (1 - self.margin))
        repelled = self.scale * negative_weights * (cosines - self.margin)
        attraction = attracted.masked_fill(~positive, -torch.inf).logsumexp(1)
        repulsion = repelled.masked_fill(same, -torch.inf).logsumexp(1)
        # Masked, not picked: an accelerator would make Python wait to learn how many anchors there are.
        losses = functional.softplus((attraction + repulsion).masked_fill(~anchors, 0))
        return losses.masked_fill(~anchors, 0).sum() / anchors.sum().clamp_min(1)
