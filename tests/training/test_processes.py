"""Real processes that talk over loopback; `several_processes.py` is what each of them runs."""

from __future__ import annotations

import json
import runpy
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from reseen.errors import TrainingError
from reseen.training.processes import ALONE, Processes, joined

CPU = torch.device("cpu")
COUNT = 2
StartProcesses = Callable[[str, Path], list[subprocess.CompletedProcess[str]]]


@pytest.fixture(scope="module")
def exchanged(start_processes: StartProcesses, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each process saw of everything that they exchange."""
    folder = tmp_path_factory.mktemp("exchange")
    for done in start_processes("exchange", folder):
        assert (done.returncode, done.stderr) == (0, "")
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(COUNT)]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The functions of the script."""
    return runpy.run_path(str(Path(__file__).with_name("several_processes.py")))


def test_rows_are_gathered_in_the_order_of_the_ranks(exchanged: list[dict[str, Any]]) -> None:
    for seen in exchanged:
        assert seen["gathered"].tolist() == [[0, 1], [2, 3], [4, 5], [10, 11], [12, 13], [14, 15]]
        assert seen["labels"].tolist() == [0, 0, 1, 1]


def test_means_are_over_the_processes_and_nan_is_not_hidden(exchanged: list[dict[str, Any]]) -> None:
    for seen in exchanged:
        assert seen["mean"].tolist() == [0.5, 1.0]
        assert seen["nan"].isnan().all()
        assert seen["any"] == [False, True, True]


def test_texts_and_figures_arrive_as_they_were_sent(exchanged: list[dict[str, Any]]) -> None:
    for seen in exchanged:
        assert seen["texts"] == ["größer ✓", ""]
        assert seen["figures"] == {"mAP": 0.1 + 0.2}


def test_work_is_done_by_all_or_by_the_first(exchanged: list[dict[str, Any]]) -> None:
    assert [seen["together"] for seen in exchanged] == [0, 1]
    assert [seen["first"] for seen in exchanged] == ["written", None]


def test_a_failure_in_one_process_is_an_error_in_all_and_they_can_go_on(exchanged: list[dict[str, Any]]) -> None:
    of_the_last, of_the_first = "process 1 failed", "process 0 failed"
    broken = "broken.jpg cannot be read"
    assert [seen["failed in the last"] for seen in exchanged] == [
        f"TrainingError: {of_the_last}: {broken}",
        f"ImageError: {broken}",
    ]
    assert [seen["failed in the first"] for seen in exchanged] == [
        f"ImageError: {broken}",
        f"TrainingError: {of_the_first}: {broken}",
    ]
    assert exchanged[0]["failed by accident"] == "ZeroDivisionError: division by zero"
    assert exchanged[1]["failed by accident"] == f"TrainingError: {of_the_first}: division by zero"
    assert all(seen["after failures"] for seen in exchanged)


def test_statistics_become_those_of_the_first(exchanged: list[dict[str, Any]]) -> None:
    assert [seen["statistics"].tolist() for seen in exchanged] == [[1, 1], [1, 1]]


@pytest.mark.parametrize(("key", "groups"), [("gradients", 1), ("gradients of two batches", 2)])
def test_gradients_of_every_kind_of_loss_equal_those_of_one_process(
    exchanged: list[dict[str, Any]], script: dict[str, Any], key: str, groups: int
) -> None:
    alone = script["gradients"](ALONE, groups)

    assert {"criterion.losses.center.centers", "network.head.weight"} < alone.keys()
    for seen in exchanged:
        torch.testing.assert_close(seen[key], alone, rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def trained(start_processes: StartProcesses, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each process saw of a run, and of the same run stopped and resumed."""
    folder = tmp_path_factory.mktemp("train")
    for done in start_processes("train", folder):
        assert (done.returncode, done.stderr) == (0, "")
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(COUNT)]


def test_every_process_learns_from_its_own_images_of_the_batch(
    trained: list[dict[str, Any]], script: dict[str, Any], tmp_path: Path
) -> None:
    shares: list[list[int]] = []
    alone = script["trainer"](ALONE, tmp_path, [])
    script["observe"](alone.batches, shares)
    alone.run()

    one, other = (seen["shares"] for seen in trained)
    assert [first + second for first, second in zip(one, other, strict=True)] == shares
    assert all(len(first) == len(second) == 4 for first, second in zip(one, other, strict=True))
    assert not any(set(first) & set(second) for first, second in zip(one, other, strict=True))


def test_batch_norm_of_each_process_sees_its_share_and_the_weights_stay_the_same(
    trained: list[dict[str, Any]],
) -> None:
    one, other = (seen["whole"] for seen in trained)
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert trained[0]["totals"] == trained[1]["totals"]
    statistics = [seen["statistics"]["neck.running_mean"] for seen in trained]
    assert not torch.equal(*statistics)


def test_ctrl_c_in_one_process_stops_all_at_the_same_step_and_resuming_loses_nothing(
    trained: list[dict[str, Any]],
) -> None:
    for seen in trained:
        assert seen["interruption"].startswith("Interrupted: stopped after epoch 1, iteration ")
        assert seen["point"] == (1, 4)
        assert all(torch.equal(value, seen["whole"][name]) for name, value in seen["resumed"].items())


def test_a_process_that_vanishes_is_an_error_for_the_others_at_once(
    start_processes: StartProcesses, tmp_path: Path
) -> None:
    left, gone = start_processes("die", tmp_path)

    assert gone.returncode == 3
    assert left.returncode == 1
    assert json.loads(left.stdout)["what"] == "another process of this run has died"
    assert "--resume" in json.loads(left.stdout)["cure"]


def test_one_process_alone_exchanges_nothing() -> None:
    rows = torch.randn(3, 2)
    module = nn.BatchNorm1d(2)

    assert ALONE.gather(rows) is rows
    assert ALONE.mean(rows[0]).equal(rows[0])
    assert ALONE.parallel(module, some_unused=True) is module
    assert ALONE.gather_text("said") == ["said"]
    assert ALONE.broadcast({"mAP": 1.0}) == {"mAP": 1.0}
    assert (ALONE.any_rank(True), ALONE.any_rank(False)) == (True, False)
    ALONE.broadcast_buffers(module)
    with ALONE.exchanging_gradients(module, wanted=False):
        assert ALONE.on_rank_zero(lambda: 1) == ALONE.run_on_all(lambda: 1) == 1
    with pytest.raises(ZeroDivisionError):
        ALONE.run_on_all(lambda: 1 / 0)
    with joined(0, 1, CPU) as processes:
        assert processes == Processes()
        assert not torch.distributed.is_initialized()


def test_processes_that_do_not_find_each_other_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
        monkeypatch.setenv("MASTER_PORT", str(taken.getsockname()[1]))
        with pytest.raises(TrainingError, match="could not find each other") as refused, joined(0, 2, CPU):
            pass
    assert "torchrun --standalone" in str(refused.value.cure)
