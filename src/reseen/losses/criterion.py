"""`Criterion`: the weighted sum of a recipe's losses."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reseen.losses.center import CenterLoss
from reseen.losses.cross_entropy import CrossEntropyLoss
from reseen.losses.triplet import TripletLoss
from reseen.recipe import schema

READ_LOGITS = frozenset({"cross_entropy"})
"""Losses of the logits; the others are of the feature before the neck."""


@runtime_checkable
class Outputs(Protocol):
    """What the losses need to know of a network's outputs."""

    @property
    def before_neck(self) -> Float[Tensor, "b d"]:
        """The pooled feature."""
        ...

    @property
    def logits(self) -> Float[Tensor, "b c"]:
        """One score a training person."""
        ...


class Criterion(nn.Module):
    """Weighted sum of losses. Its only parameters are the centers of a center loss.

    Args:
        losses: as in the recipe; each name once.
        persons: people in the training set.
        feature_size: length of the feature before the neck.
    """

    def __init__(self, losses: tuple[schema.Loss, ...], persons: int, feature_size: int) -> None:
        super().__init__()
        self.losses = nn.ModuleDict({loss.name: _build(loss, persons, feature_size) for loss in losses})
        self.weights: dict[str, float] = {loss.name: loss.weight for loss in losses}

    def forward(
        self, outputs: Outputs, labels: Int64[Tensor, " b"]
    ) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        """The weighted total to go backward from, and each loss by name, unweighted and detached."""
        values = {
            name: loss(outputs.logits if name in READ_LOGITS else outputs.before_neck, labels)
            for name, loss in self.losses.items()
        }
        total = torch.stack([self.weights[name] * value for name, value in values.items()]).sum()
        return total, {name: value.detach() for name, value in values.items()}


def _build(loss: schema.Loss, persons: int, feature_size: int) -> nn.Module:
    if isinstance(loss, schema.CrossEntropy):
        return CrossEntropyLoss(loss)
    if isinstance(loss, schema.Triplet):
        return TripletLoss(loss)
    return CenterLoss(persons, feature_size)
