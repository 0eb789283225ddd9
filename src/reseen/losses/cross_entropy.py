"""Identity classification with label smoothing."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from reseen.recipe import schema
from reseen.shapes import Float, Int64


class CrossEntropyLoss(nn.Module):
    """Mean cross entropy to the target (1 − ε)·onehot + ε/persons (Szegedy et al., CVPR 2016, §7)."""

    def __init__(self, settings: schema.CrossEntropy) -> None:
        super().__init__()
        self.smoothing = settings.smoothing

    def forward(self, logits: Float[Tensor, "b c"], labels: Int64[Tensor, " b"]) -> Float[Tensor, ""]:
        """Loss of the logits; labels are 0..c-1."""
        return functional.cross_entropy(logits, labels, label_smoothing=self.smoothing)
