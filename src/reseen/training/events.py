"""What happens during a run, told to whoever listens: the run's log, a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Started:
    """A run begins, or continues at `epoch` and `iteration` (0-based) of `epochs`."""

    epoch: int
    iteration: int
    epochs: int
    images: int
    persons: int


@dataclass(frozen=True)
class StepDone:
    """One batch was learnt from: `iteration` of `iterations` (1-based) of `epoch` of `epochs` (1-based).

    `losses` are those that were read last: of this step on the CPU; on an accelerator, where reading waits for it, of
    every `training.log_every`-th step, and of the first and the last.
    """

    epoch: int
    epochs: int
    iteration: int
    iterations: int
    learning_rate: float
    losses: Mapping[str, float]
    images_per_second: float
    eta_seconds: float


@dataclass(frozen=True)
class EpochDone:
    """All batches of `epoch` (1-based) were learnt from; `losses` are means over its iterations."""

    epoch: int
    iterations: int
    learning_rate: float
    losses: Mapping[str, float]
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class Evaluated:
    """The network was evaluated after `epoch` (1-based); `metrics` are fractions or counts."""

    epoch: int
    metrics: Mapping[str, float]
    best: float
    is_best: bool
    seconds: float


@dataclass(frozen=True)
class StoppedEarly:
    """The run ends after `epoch` (1-based): `evaluations` in a row were not better."""

    epoch: int
    evaluations: int


@dataclass(frozen=True)
class Saved:
    """A checkpoint was written."""

    name: str
    path: str


Event = Started | StepDone | EpochDone | Evaluated | StoppedEarly | Saved
Listener = Callable[[Event], None]
