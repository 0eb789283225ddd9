"""The classifiers by angle, with a margin to the true person while training."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from reseen.models.head import Head
from reseen.recipe import schema
from reseen.shapes import Float, Int64

STEEPEST = 1 - 1e-6
"""Cosines are kept within ± this on their way to an angle: the slope of the arccosine has no end towards ±1."""


class MarginHead(Head):
    """Scaled cosines between the feature and one learnt direction a person, computed in the weight's precision.

    Args:
        feature_size: d.
        persons: people in the training set.
        scale: what the cosines are multiplied by.
        margin: see the kinds of head.
    """

    def __init__(self, feature_size: int, persons: int, scale: float, margin: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.normal_(torch.empty(persons, feature_size), std=0.01))
        self.scale, self.margin = scale, margin

    def forward(
        self, features: Float[Tensor, "b d"], labels: Int64[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b c"]:
        """Scaled cosines, that to the true person with the margin where labels are given."""
        with torch.autocast(features.device.type, enabled=False):
            directions = functional.normalize(self.weight)
            cosines = functional.normalize(features.to(directions.dtype)) @ directions.T
            if labels is not None:
                true = labels[:, None] == torch.arange(len(directions), device=labels.device)
                cosines = torch.where(true, self.harder(cosines), cosines)
            return self.scale * cosines

    def harder(self, cosines: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        """What takes the place of the cosine to the true person."""
        raise NotImplementedError


class CosineHead(MarginHead):
    """CosFace (Wang et al., CVPR 2018, equation 4): cos θ − m for the true person."""

    def __init__(self, feature_size: int, persons: int, settings: schema.CosineHead) -> None:
        super().__init__(feature_size, persons, settings.scale, settings.margin)

    def harder(self, cosines: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        """The cosine less the margin."""
        return cosines - self.margin


class ArcHead(MarginHead):
    """ArcFace (Deng et al., CVPR 2019, equation 3): cos(θ + m) for the true person.

    Past θ = π − m that would rise again; there cos θ − m sin m takes its place, as in the authors' code, and the
    value goes on falling as the angle grows.
    """

    def __init__(self, feature_size: int, persons: int, settings: schema.ArcHead) -> None:
        super().__init__(feature_size, persons, settings.scale, settings.margin)

    def harder(self, cosines: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        """The cosine of the angle and the margin together."""
        angles = cosines.clamp(-STEEPEST, STEEPEST).arccos()
        beyond = cosines - self.margin * math.sin(self.margin)
        return torch.where(angles <= math.pi - self.margin, (angles + self.margin).cos(), beyond)
