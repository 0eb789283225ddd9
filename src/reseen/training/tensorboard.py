"""The curves of a run for TensorBoard, where that is installed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import ceil
from pathlib import Path

from reseen.errors import StorageError
from reseen.files import make_folder
from reseen.recipe.schema import Training
from reseen.run_folder import Run
from reseen.training.events import EpochDone, Evaluated, Event, Listener, Started, StepDone

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
        say(f"no TensorBoard curves: {error}; to add them: pip install '.[tensorboard]' in a clone of reseen")
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


class TensorBoardFile:
    """A new file of events, beside those of the run's earlier beginnings.

    Each record is on its way to the disk before the call returns. (`torch.utils.tensorboard.SummaryWriter` leaves that
    to a thread, whose errors are not those of the run.)

    Args:
        folder: made when it is not there; TensorBoard reads its files in the order of their names.

    Raises:
        ImportError: TensorBoard is not installed.
        StorageError: the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2  # noqa: PLC0415 (may not be installed)
        from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: PLC0415

        self._event, self._summary, self._record_writer = event_pb2, summary_pb2, RecordWriter
        self.path = make_folder(folder) / f"events.out.tfevents.{time.time():017.6f}"
        self._write(file_version="brain.Event:2")

    def hide_from(self, step: int) -> None:
        """Have TensorBoard forget what earlier files tell of this step and later ones."""
        self._write(step=step, session_log=self._event.SessionLog(status=self._event.SessionLog.START))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Write a point of each curve."""
        scalars = [self._summary.Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._write(step=step, summary=self._summary.Summary(value=scalars))

    def _write(self, **content: object) -> None:
        event = self._event.Event(wall_time=time.time(), **content)
        try:
            with self.path.open("ab") as file:
                self._record_writer(file).write(event.SerializeToString())
        except OSError as error:
            raise StorageError(
                f"cannot write {self.path}",
                expected="free disk space and write permission",
                got=error.strerror or str(error),
                cure="free some space, or -o training.tensorboard=false",
            ) from None
