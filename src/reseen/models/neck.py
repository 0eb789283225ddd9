"""The neck between the pooled feature and the classifier."""

from __future__ import annotations

from torch import nn


class BNNeck(nn.BatchNorm1d):
    """Batch norm whose bias stays 0 (Luo et al., CVPRW 2019, §3.5).

    Metric losses read the feature before it, the classifier and the search the one after it.
    """

    def __init__(self, feature_size: int) -> None:
        super().__init__(feature_size)
        self.bias.requires_grad_(False)
