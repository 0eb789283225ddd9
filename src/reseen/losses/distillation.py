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
    Its features themselves may be taught besides, by their directions.

    Args:
        features: how much the features' own distance adds.
        sizes: of the student's and of the teacher's features; needed where `features` is not 0.
    """

    def __init__(self, features: float = 0.0, sizes: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.features = features
        projected = features > 0 and sizes[0] != sizes[1]
        self.projection = nn.Linear(*sizes, bias=False) if projected else nn.Identity()

    def forward(self, features: Float[Tensor, "b d"], taught: Float[Tensor, "b t"]) -> Float[Tensor, ""]:
        """Mean squared difference over the pairs of different images; 0 for a single image.

        The mean of 1 less the cosine between both features of an image is added, `features` times.

        Args:
            features: the student's.
            taught: the teacher's features of the same images, a constant to the gradient.
        """
        taught = taught.detach()
        differences = _cosines(features) - _cosines(taught)
        pairs = len(features) * (len(features) - 1)
        relations = differences.fill_diagonal_(0).square().sum() / max(pairs, 1)
        if not self.features:
            return relations
        distances = 1 - (_directions(self.projection(features)) * _directions(taught)).sum(1)
        return relations + self.features * distances.mean()


def _cosines(features: Float[Tensor, "b d"]) -> Float[Tensor, "b b"]:
    directions = _directions(features)
    return directions @ directions.T


def _directions(features: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
    return functional.normalize(features, eps=SHORTEST)
