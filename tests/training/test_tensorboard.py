from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reseen.errors import StorageError, UsageError
from reseen.recipe.schema import Training
from reseen.training.events import EpochDone, Evaluated, Event, Saved, Started, StepDone
from reseen.training.tensorboard import TensorBoardFile, tensorboard_curves

Points = list[tuple[int, float]]


def step(epoch: int, iteration: int, loss: float, iterations: int = 4) -> StepDone:
    return StepDone(epoch, 9, iteration, iterations, 0.5, {"triplet": loss / 2, "total": loss}, 64.0, 1.0)


def epoch(number: int, loss: float) -> EpochDone:
    return EpochDone(number, 4, 0.25, {"triplet": loss / 2, "total": loss}, 2.0, 32.0)


def evaluated(number: int, recall1: float) -> Evaluated:
    return Evaluated(number, {"recall1": recall1, "a/recall1": recall1 / 2}, best=1.0, is_best=False, seconds=2.0)


def draw(run: Path, events: Sequence[Event], log_every: int = 1) -> None:
    (listener,) = tensorboard_curves(run, Training(log_every=log_every), pytest.fail)
    for event in events:
        listener(event)


def curves(run: Path) -> dict[str, Points]:
    """What TensorBoard itself reads."""
    found = EventAccumulator(str(run / "tensorboard")).Reload()
    return {tag: [(point.step, point.value) for point in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_steps_epochs_and_evaluations_are_drawn_on_one_axis(tmp_path: Path) -> None:
    steps = [step(1, iteration, iteration) for iteration in (1, 2, 3, 4)]

    draw(tmp_path, [Started(0, 0, 9, 8, 2), *steps, epoch(1, 2.5), Saved("latest", "x"), evaluated(1, 0.75)])

    assert curves(tmp_path) == {
        "step/loss/triplet": [(250, 0.5), (500, 1.0), (750, 1.5), (1000, 2.0)],
        "step/loss/total": [(250, 1.0), (500, 2.0), (750, 3.0), (1000, 4.0)],
        "step/learning_rate": [(place, 0.5) for place in (250, 500, 750, 1000)],
        "step/images_per_second": [(place, 64.0) for place in (250, 500, 750, 1000)],
        "epoch/loss/triplet": [(1000, 1.25)],
        "epoch/loss/total": [(1000, 2.5)],
        "epoch/learning_rate": [(1000, 0.25)],
        "epoch/images_per_second": [(1000, 32.0)],
        "evaluation/recall1": [(1000, 0.75)],
        "evaluation/a/recall1": [(1000, 0.375)],
    }


def test_only_every_so_many_steps_are_drawn_and_the_last_of_the_epoch(tmp_path: Path) -> None:
    steps = [step(2, iteration, iteration, iterations=8) for iteration in range(1, 9)]

    draw(tmp_path, [Started(1, 0, 9, 8, 2), *steps], log_every=3)

    assert curves(tmp_path)["step/loss/total"] == [(1375, 3.0), (1750, 6.0), (2000, 8.0)]


def whole_epoch(number: int) -> list[Event]:
    steps = [step(number, iteration, 10 * number + iteration) for iteration in (1, 2, 3, 4)]
    return [*steps, epoch(number, number), evaluated(number, number / 4)]


WHOLE = [*whole_epoch(1), *whole_epoch(2)]


@pytest.mark.parametrize(
    ("told", "saved", "began"),
    [
        (10, 6, (1, 0)),  # killed within the second epoch: `latest` is of the first
        (6, 6, (1, 0)),  # killed between two epochs
        (5, 5, (1, 0)),  # killed before the evaluation of the first epoch
        (9, 8, (1, 2)),  # stopped within an epoch, and told one step more than what was saved
        (8, 8, (1, 2)),
        (3, 0, (0, 0)),  # killed before anything was saved: a new run
    ],
)
def test_a_run_that_was_interrupted_and_goes_on_is_drawn_like_one_that_was_not(
    told: int, saved: int, began: tuple[int, int], tmp_path: Path
) -> None:
    draw(tmp_path / "whole", [Started(0, 0, 2, 8, 2), *WHOLE])

    draw(tmp_path / "again", [Started(0, 0, 2, 8, 2), *WHOLE[:told]])
    draw(tmp_path / "again", [Started(*began, 2, 8, 2), *WHOLE[saved:]])

    assert curves(tmp_path / "again") == curves(tmp_path / "whole")


def test_what_an_interrupted_run_drew_beyond_its_checkpoint_is_hidden_at_once(tmp_path: Path) -> None:
    draw(tmp_path, [Started(0, 0, 2, 8, 2), *WHOLE])

    draw(tmp_path, [Started(1, 2, 2, 8, 2), step(2, 3, 23.0)], log_every=20)

    assert [place for place, _ in curves(tmp_path)["step/loss/total"]] == [250, 500, 750, 1000, 1250, 1500]
    assert curves(tmp_path)["evaluation/recall1"] == [(1000, 0.25)]


def test_a_recipe_may_do_without(tmp_path: Path) -> None:
    assert tensorboard_curves(tmp_path, Training(tensorboard=False), pytest.fail) == []
    assert list(tmp_path.iterdir()) == []


def test_where_tensorboard_is_missing_the_run_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    told: list[str] = []

    assert tensorboard_curves(tmp_path, Training(), told.append) == []

    (line,) = told
    assert line.startswith("no TensorBoard curves: ")
    assert "pip install '.[tensorboard]' in a clone of reseen" in line
    assert list(tmp_path.iterdir()) == []


def points_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
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

    assert points_of(tmp_path / "new" / "folder") == {"loss": [(0, 2.5), (10**12, 0.0)], "a b/rate": [(0, -0.125)]}


def test_points_of_earlier_files_are_hidden_from_a_step_on(tmp_path: Path) -> None:
    earlier = TensorBoardFile(tmp_path)
    for step in (1, 2, 3, 4):
        earlier.add(step, {"a": float(step), "b": float(step)})
    later = TensorBoardFile(tmp_path)
    later.hide_from(3)
    later.add(3, {"a": 30.0})

    assert points_of(tmp_path) == {"a": [(1, 1.0), (2, 2.0), (3, 30.0)], "b": [(1, 1.0), (2, 2.0)]}


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
    assert points_of(tmp_path) == {"curve 1": [(1, 0.5), (2, 1.0)]}  # the torn record does no harm


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("letter", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be a folder"):
        TensorBoardFile(tmp_path / "tensorboard")


def test_a_folder_that_nothing_may_be_written_to_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reseen.training.tensorboard.make_folder", lambda folder: folder)
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
