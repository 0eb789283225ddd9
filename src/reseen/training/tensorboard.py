"""The curves of a run for TensorBoard, where that is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from pathlib import Path

from reseen.recipe.schema import Training
from reseen.run_folder import Run
from reseen.training.events import EpochDone, Evaluated, Event, Listener, Started, StepDone
from reseen.training.tensorboard_file import TensorBoardFile

STEPS_PER_EPOCH = 1000


def tensorboard_curves(run: Path, training: Training, say: Callable[[str], None]) -> list[Listener]:
    """The listener that draws a run's curves; none where they are not wanted or TensorBoard is missing.

    Args:
        run: the run's folder, which the curves go into.
        training: says whether they are wanted, and how often steps are told.
        say: is told when TensorBoard is missing.

    Raises:
        StorageError: they cannot be written.
    """
    if not training.tensorboard:
        return []
    try:
        return [TensorBoardCurves(TensorBoardFile(Run(run).tensorboard), training.log_every)]
    except ImportError as error:
        say(f"no curves for TensorBoard: {error}; pip install '.[tensorboard]' in a clone of reseen brings it")
        return []


class TensorBoardCurves:
    """A listener that draws losses, learning rate and speed by step and by epoch, and what evaluations found.

    The horizontal axis counts thousandths of epochs: epochs need not have the same number of batches, and runs with
    batches of different sizes can be compared. A run that continues hides what had been drawn beyond its beginning.

    Args:
        file: where to.
        log_every: iterations between points of single steps.
    """

    def __init__(self, file: TensorBoardFile, log_every: int) -> None:
        self.file = file
        self.log_every = log_every
        self._continues_in_epoch = False

    def __call__(self, event: Event) -> None:
        """Listen to a run."""
        match event:
            case Started(epoch=epoch, iteration=0):
                self.file.hide_from(epoch * STEPS_PER_EPOCH + 1)  # the epoch's own mean and evaluation stay
            case Started():
                self._continues_in_epoch = True
            case StepDone():
                self._step(event)
            case EpochDone(epoch=epoch):
                self.file.add(epoch * STEPS_PER_EPOCH, _course("epoch", event))
            case Evaluated(epoch=epoch, metrics=metrics):
                self.file.add(epoch * STEPS_PER_EPOCH, _tagged("evaluation", metrics))

    def _step(self, event: StepDone) -> None:
        place = (event.epoch - 1) * STEPS_PER_EPOCH + ceil(STEPS_PER_EPOCH * event.iteration / event.iterations)
        if self._continues_in_epoch:
            self.file.hide_from(place)
            self._continues_in_epoch = False
        if event.iteration % self.log_every == 0 or event.iteration == event.iterations:
            self.file.add(place, _course("step", event))


def _course(kind: str, event: StepDone | EpochDone) -> dict[str, float]:
    pace = {"learning_rate": event.learning_rate, "images_per_second": event.images_per_second}
    return _tagged(f"{kind}/loss", event.losses) | _tagged(kind, pace)


def _tagged(group: str, values: Mapping[str, float]) -> dict[str, float]:
    """Values by the name of their curve; TensorBoard shows those of a group together."""
    return {f"{group}/{name}": value for name, value in values.items()}
