"""`LossReadings`: losses stay where they were computed, and are read a few steps at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from reseen.shapes import Float
from reseen.training.processes import Processes


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
