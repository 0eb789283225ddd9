"""`Learner`: network and losses as one module, from images to the loss that goes backward."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reseen.errors import UsageError
from reseen.losses.criterion import Criterion
from reseen.models.network import ReIDNetwork
from reseen.recipe.schema import Distillation
from reseen.shapes import Float, Int64
from reseen.training.numerics import Precision
from reseen.training.teacher import Teaches

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Learner(nn.Module):
    """One module that holds all that a run learns, so that every gradient is exchanged between processes.

    Args:
        network: runs in mixed precision, unless `precision` is `fp32`.
        criterion: runs in 32 bits.
        precision: of the network's forward and backward pass, and of the teacher's.
        teacher: whom the criterion's distillation loss learns from, given with one alone; no part of the module.

    Raises:
        UsageError: there is a teacher that no loss learns from, or none for a loss that needs one.
    """

    def __init__(
        self, network: ReIDNetwork, criterion: Criterion, precision: Precision, teacher: Teaches | None = None
    ) -> None:
        super().__init__()
        _check_teacher(criterion, teacher)
        self.network = network
        self.criterion = criterion
        self.precision = precision
        self.teacher = teacher

    def forward(
        self, images: Float[Tensor, "b 3 h w"], labels: Int64[Tensor, " b"]
    ) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        """The weighted total to go backward from, and each loss by name, unweighted and detached."""
        mixed = self.precision != "fp32"
        with torch.autocast(images.device.type, DTYPES[self.precision], enabled=mixed):
            outputs = self.network(images, labels)
            taught = None if self.teacher is None else self.teacher(images)
        total, values = self.criterion(outputs, labels, taught)
        return total, values


def _check_teacher(criterion: Criterion, teacher: Teaches | None) -> None:
    needed = any(isinstance(loss, Distillation) for loss in criterion.settings.values())
    if needed != (teacher is not None):
        raise UsageError(
            "a distillation loss and its teacher go together",
            expected="a teacher" if needed else "no teacher: no loss learns from one",
            got="none" if needed else "a teacher",
            cure="`reseen train` loads the one that the recipe names; elsewhere give it to the trainer",
        )
