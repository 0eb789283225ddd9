"""The classifier over the training set's people, needed only while training."""

from __future__ import annotations

import math

from torch import nn

from reseen.recipe import schema


class Head(nn.Linear):
    """Linear classifier: (b, d) features to (b, persons) logits.

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
