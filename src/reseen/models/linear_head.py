"""The linear classifier."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional

from reseen.models.head import Head
from reseen.recipe import schema
from reseen.shapes import Float, Int64


class LinearHead(Head, nn.Linear):
    """Linear classifier.

    Args:
        feature_size: d.
        persons: people in the training set.
        settings: bias and initialisation, see `schema.LinearHead`.
    """

    def __init__(self, feature_size: int, persons: int, settings: schema.LinearHead) -> None:
        super().__init__(feature_size, persons, bias=settings.bias)
        if settings.init == "normal":
            nn.init.normal_(self.weight, std=0.001)
            if self.bias is not None:
                nn.init.zeros_(self.bias)
        else:
            bound = 1 / math.sqrt(feature_size)
            for parameter in self.parameters():
                nn.init.uniform_(parameter, -bound, bound)

    def forward(
        self, features: Float[Tensor, "b d"], labels: Int64[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b c"]:
        """Logits; the labels change nothing."""
        return functional.linear(features, self.weight, self.bias)
