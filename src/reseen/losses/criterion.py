"""`Criterion`: the weighted sum of a recipe's losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from reseen.losses.center import CenterLoss
from reseen.losses.circle import CircleLoss
from reseen.losses.cross_entropy import CrossEntropyLoss
from reseen.losses.distillation import DistillationLoss
from reseen.losses.metric_learning import build_metric_learning_loss
from reseen.losses.triplet import TripletLoss
from reseen.recipe import schema
from reseen.shapes import Float, Int64

Gather = Callable[[Tensor], Tensor]
"""Turns this process's rows into those of all processes, in the order of their ranks; gradients flow back through
floats."""


@runtime_checkable
class Outputs(Protocol):
    """What the losses need to know of a network's outputs."""

    @property
    def before_neck(self) -> Float[Tensor, "b d"]:
        """The pooled feature."""
        ...

    @property
    def after_neck(self) -> Float[Tensor, "b d"]:
        """The feature that the head classifies."""
        ...

    @property
    def logits(self) -> Float[Tensor, "b c"]:
        """One score a training person."""
        ...


def only_process(rows: Tensor) -> Tensor:
    """The `Gather` of a single process: its own rows are all there are."""
    return rows


class Criterion(nn.Module):
    """Weighted sum of losses. Its only parameters are those that the losses learn, such as centers.

    It computes in 32 bits at least, whatever precision the network ran in. Losses that compare the images of a batch
    with each other see the images of all processes, and so have the same value in each; losses of single images see
    those of this process only.

    Args:
        losses: as in the recipe; each name once.
        persons: people in the training set.
        feature_size: length of the features before and after the neck.
        taught_size: length of the teacher's features, where a loss learns from one.
        gather: how the rows of all processes come together.

    Raises:
        UsageError: a loss is one of a library that is missing, or that does not build it.
    """

    def __init__(
        self,
        losses: tuple[schema.Loss, ...],
        persons: int,
        feature_size: int,
        gather: Gather = only_process,
        *,
        taught_size: int = 0,
    ) -> None:
        super().__init__()
        self.settings = {loss.name: loss for loss in losses}
        self.losses = nn.ModuleDict({loss.name: _build(loss, persons, (feature_size, taught_size)) for loss in losses})
        self.gather = gather

    def forward(
        self, outputs: Outputs, labels: Int64[Tensor, " b"], taught: Float[Tensor, "b t"] | None = None
    ) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        """The weighted total to go backward from, and each loss by name, unweighted and detached.

        Args:
            outputs: the network's.
            labels: whom the images show.
            taught: the teacher's features of the images, where a loss learns from one.
        """
        with torch.autocast(labels.device.type, enabled=False):
            values = {name: self._value(loss, outputs, labels, taught) for name, loss in self.settings.items()}
            total = torch.stack([self.settings[name].weight * value for name, value in values.items()]).sum()
        return total, {name: value.detach() for name, value in values.items()}

    def _value(
        self,
        settings: schema.Loss,
        outputs: Outputs,
        labels: Int64[Tensor, " b"],
        taught: Float[Tensor, "b t"] | None,
    ) -> Float[Tensor, ""]:
        read = outputs.logits if isinstance(settings, schema.CrossEntropy) else getattr(outputs, settings.feature)
        rows, aim = _exact(read), labels
        if isinstance(settings, schema.Distillation):
            assert taught is not None  # noqa: S101
            aim = _exact(taught)
        if not isinstance(settings, schema.CrossEntropy | schema.Center):
            rows, aim = self.gather(rows), self.gather(aim)
        value: Tensor = self.losses[settings.name](rows, aim)
        return value


def _exact(rows: Tensor) -> Tensor:
    """In 32 bits at least."""
    return rows.to(torch.promote_types(rows.dtype, torch.float32))


def _build(loss: schema.Loss, persons: int, sizes: tuple[int, int]) -> nn.Module:
    feature_size, _ = sizes
    match loss:
        case schema.CrossEntropy():
            return CrossEntropyLoss(loss)
        case schema.Triplet():
            return TripletLoss(loss)
        case schema.Circle():
            return CircleLoss(loss)
        case schema.Center():
            return CenterLoss(persons, feature_size)
        case schema.Distillation():
            return DistillationLoss(loss.features, sizes)
        case schema.MetricLearningLoss():
            return build_metric_learning_loss(loss, persons, feature_size)
