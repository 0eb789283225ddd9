"""`TensorBoardFile`: scalars in the format that TensorBoard reads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from reseen.errors import StorageError
from reseen.files import make_folder


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
                expected="room on the disk and the right to write there",
                got=error.strerror or str(error),
                cure="free some space, or -o training.tensorboard=false",
            ) from None
