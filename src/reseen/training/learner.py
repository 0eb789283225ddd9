"""From images to the loss that goes backward, and how its values are read: a few steps at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reseen.errors import UsageError
from reseen.losses.criterion import Criterion
from reseen.models.network import ReIDNetwork
from reseen.recipe.schema import Distillation
from reseen.shapes import Float, Int64
from reseen.training.numerics import Precision
from reseen.training.processes import Processes
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


class Reading(NamedTuple):
    """What was read.

    Attributes:
        steps: the losses of each step since the last reading, in order, as means over the processes.
        stop: whether a process is asked to stop.
    """

    steps: list[dict[str, float]]
    stop: bool


class LossReadings:
    """Keeps the losses of steps until they are read.

    To read a number from an accelerator is to wait until it has done all that it was asked before, and then it waits
    for Python. So that is done once in `every` steps; on the host, where nothing is waited for, after every step.

    Args:
        processes: those that train together; they read at the same steps.
        every: steps between readings.
    """

    def __init__(self, processes: Processes, every: int) -> None:
        self.processes = processes
        self.every = every
        self.latest: dict[str, float] = {}
        self._waiting: list[Mapping[str, Float[Tensor, ""]]] = []

    @staticmethod
    def interval(device: torch.device, log_every: int) -> int:
        """Steps between readings of what is computed on a device."""
        return 1 if device.type == "cpu" else log_every

    def note(self, losses: Mapping[str, Float[Tensor, ""]]) -> None:
        """Keep the losses of a step; every step has the same."""
        self._waiting.append(losses)

    def are_due(self, iteration: int, iterations: int) -> bool:
        """Whether it is time to read after `iteration` (0-based): the run's first, an epoch's last, and in between."""
        return not self.latest or (iteration + 1) % self.every == 0 or iteration + 1 == iterations

    def read(self, stop: bool = False) -> Reading:
        """The losses of the steps since the last reading; all processes call it, each with its own wish to stop."""
        if not self._waiting:
            return Reading([], stop)
        names = list(self._waiting[0])
        values = torch.stack([losses[name] for losses in self._waiting for name in names])
        self._waiting.clear()
        values = torch.cat([values, torch.full_like(values[:1], float(stop))])
        *means, stopping = self.processes.mean(values if self.processes.count == 1 else values.double()).tolist()
        steps = [dict(zip(names, means[at : at + len(names)], strict=True)) for at in range(0, len(means), len(names))]
        self.latest = steps[-1]
        return Reading(steps, stopping > 0)
