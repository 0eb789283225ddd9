"""`Head`: the classifier over the training set's people, needed only while training."""

from __future__ import annotations

from torch import Tensor, nn

from reseen.shapes import Float, Int64


class Head(nn.Module):
    """Maps features (b, d) to logits (b, persons).

    Attributes:
        weight: (persons, d), a row a person.
    """

    weight: Tensor

    def forward(
        self, features: Float[Tensor, "b d"], labels: Int64[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b c"]:
        """Logits. With labels, as in training, a head that has a margin makes the true person's harder to reach."""
        raise NotImplementedError
