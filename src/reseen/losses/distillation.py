"""Distillation loss."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from reseen.shapes import Float

SHORTEST = 1e-3
"""Features shorter than this count as this long: the direction of none at all has a gradient without bound."""


class DistillationLoss(nn.Module):
    """The cosines between the images of a batch should be those of a teacher's features.

    Retrieval compares cosines, so these are what a student should take over; its features may be shorter than the
    teacher's. Relations instead of outputs are taught as by Park et al. (CVPR 2019) and Tung and Mori (ICCV 2019).
    """

    def forward(self, features: Float[Tensor, "b d"], taught: Float[Tensor, "b t"]) -> Float[Tensor, ""]:
        """Mean squared difference over the pairs of different images; 0 for a single image.

        Args:
            features: the student's.
            taught: the teacher's features of the same images, a constant to the gradient.
        """
        differences = _cosines(features) - _cosines(taught.detach())
        pairs = len(features) * (len(features) - 1)
        return differences.fill_diagonal_(0).square().sum() / max(pairs, 1)


def _cosines(features: Float[Tensor, "b d"]) -> Float[Tensor, "b b"]:
    directions = functional.normalize(features, eps=SHORTEST)
    return directions @ directions.T
