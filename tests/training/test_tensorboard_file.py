from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reseen.errors import StorageError, UsageError
from reseen.training.tensorboard_file import TensorBoardFile


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard itself reads."""
    found = EventAccumulator(str(folder)).Reload()
    return {tag: [(point.step, point.value) for point in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to write more than that into a file, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_tensorboard_reads_what_was_written_at_once(tmp_path: Path) -> None:
    file = TensorBoardFile(tmp_path / "new" / "folder")
    file.add(0, {"loss": 2.5, "a b/rate": -0.125})
    file.add(10**12, {"loss": 0.0})

    assert curves(tmp_path / "new" / "folder") == {"loss": [(0, 2.5), (10**12, 0.0)], "a b/rate": [(0, -0.125)]}


def test_points_of_earlier_files_are_hidden_from_a_step_on(tmp_path: Path) -> None:
    earlier = TensorBoardFile(tmp_path)
    for step in (1, 2, 3, 4):
        earlier.add(step, {"a": float(step), "b": float(step)})
    later = TensorBoardFile(tmp_path)
    later.hide_from(3)
    later.add(3, {"a": 30.0})

    assert curves(tmp_path) == {"a": [(1, 1.0), (2, 2.0), (3, 30.0)], "b": [(1, 1.0), (2, 2.0)]}


def test_a_full_disk_is_an_error_that_says_how_to_do_without(tmp_path: Path) -> None:
    many = {f"curve {number}": 1.0 for number in range(100)}
    file = TensorBoardFile(tmp_path)
    file.add(1, {"curve 1": 0.5})
    with files_of_at_most(500), pytest.raises(StorageError) as refused:
        file.add(2, many)
    TensorBoardFile(tmp_path).add(2, {"curve 1": 1.0})

    assert refused.value.what == f"cannot write {file.path}"
    assert refused.value.got == "File too large"
    assert "training.tensorboard=false" in (refused.value.cure or "")
    assert curves(tmp_path) == {"curve 1": [(1, 0.5), (2, 1.0)]}  # the torn record does no harm


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("letter", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be a folder"):
        TensorBoardFile(tmp_path / "tensorboard")


def test_a_folder_that_nothing_may_be_written_to_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reseen.training.tensorboard_file.make_folder", lambda folder: folder)
    with pytest.raises(StorageError, match="cannot write") as refused:
        TensorBoardFile(tmp_path / "gone")
    assert refused.value.got == "No such file or directory"


def test_without_tensorboard_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)

    with pytest.raises(ImportError, match="tensorboard"):
        TensorBoardFile(tmp_path / "tensorboard")

    assert not (tmp_path / "tensorboard").exists()
