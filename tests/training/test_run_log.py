from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reseen.errors import UsageError
from reseen.training.events import EpochDone, Evaluated, Saved, Started, StepDone
from reseen.training.run_log import RunLog, describe_step, eta


def step(iteration: int, iterations: int = 10) -> StepDone:
    losses = {"cross_entropy": 6.5, "total": 7.25}
    return StepDone(3, 120, iteration, iterations, 3.5e-4, losses, images_per_second=4.56, eta_seconds=3725.4)


def epoch(number: int) -> EpochDone:
    return EpochDone(number, 10, 3.5e-4, {"total": 2.0}, seconds=12.5, images_per_second=51.2)


def evaluated(number: int, *, is_best: bool = True) -> Evaluated:
    return Evaluated(number, {"recall1": 0.8845, "queries": 3368.0}, best=0.9, is_best=is_best, seconds=2.0)


def lines(folder: Path) -> list[str]:
    return (folder / "train.log").read_text(encoding="utf-8").splitlines()


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_line_begins_with_the_time(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "runs" / "own", log_every=1)
    log.say("hello")
    log(step(1))
    for line in lines(tmp_path / "runs" / "own"):
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S", line)


def test_what_happens_is_told_in_order(tmp_path: Path) -> None:
    log = RunLog(tmp_path, log_every=20)
    for event in (
        Started(2, 0, 120, images=12936, persons=751),
        epoch(3),
        evaluated(3),
        evaluated(4, is_best=False),
        Saved("best", "runs/best.safetensors"),
    ):
        log(event)
    assert [line[20:] for line in lines(tmp_path)] == [
        "12936 images of 751 people; from epoch 3 of 120",
        "epoch 3 done in 12.5 s, 51.2 images/s, mean total 2.0000",
        "epoch 3 evaluated in 2.0 s: rank-1 88.45 %, queries 3368 (best)",
        "epoch 4 evaluated in 2.0 s: rank-1 88.45 %, queries 3368",
        "saved best to runs/best.safetensors",
    ]


def test_a_step_is_told_every_so_often_and_at_the_end_of_an_epoch(tmp_path: Path) -> None:
    log = RunLog(tmp_path, log_every=4)
    for iteration in range(1, 11):
        log(step(iteration))
    assert [re.findall(r"iteration (\d+)/10", line) for line in lines(tmp_path)] == [["4"], ["8"], ["10"]]


def test_a_step_in_words() -> None:
    assert describe_step(step(4)) == (
        "epoch 3/120 iteration 4/10 lr 0.00035 cross_entropy 6.5000 total 7.2500 4.6 images/s eta 1:02:05"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0:00:00"),
        (0.6, "0:00:01"),
        (59.6, "0:01:00"),
        (3599.4, "0:59:59"),
        (3600.0, "1:00:00"),
        (360_000.0, "100:00:00"),
    ],
)
def test_time_left_is_in_hours_minutes_seconds(seconds: float, text: str) -> None:
    assert eta(seconds) == text


def test_epochs_and_evaluations_are_recorded_for_programs(tmp_path: Path) -> None:
    log = RunLog(tmp_path, log_every=1)
    for event in (step(1), epoch(3), evaluated(3), Saved("latest", "x")):
        log(event)
    assert records(tmp_path) == [
        {
            "kind": "epoch",
            "epoch": 3,
            "iterations": 10,
            "learning_rate": 3.5e-4,
            "losses": {"total": 2.0},
            "seconds": 12.5,
            "images_per_second": 51.2,
        },
        {
            "kind": "evaluation",
            "epoch": 3,
            "metrics": {"recall1": 0.8845, "queries": 3368.0},
            "best": 0.9,
            "is_best": True,
            "seconds": 2.0,
        },
    ]


def test_what_a_resumed_run_will_write_again_is_forgotten(tmp_path: Path) -> None:
    log = RunLog(tmp_path, log_every=1)
    log.forget_after(0)
    assert not (tmp_path / "metrics.jsonl").exists()
    for event in (epoch(1), epoch(2), evaluated(2), epoch(3), evaluated(3), epoch(4)):
        log(event)
    log.forget_after(2)
    assert [(record["kind"], record["epoch"]) for record in records(tmp_path)] == [
        ("epoch", 1),
        ("epoch", 2),
        ("evaluation", 2),
    ]
    log(epoch(3))
    assert len(records(tmp_path)) == 4


def test_an_evaluation_that_will_be_done_again_is_forgotten_and_its_epoch_is_not(tmp_path: Path) -> None:
    log = RunLog(tmp_path, log_every=1)
    for event in (epoch(1), evaluated(1), epoch(2), evaluated(2)):
        log(event)
    log.forget_after(2, evaluation_due=True)
    assert [(record["kind"], record["epoch"]) for record in records(tmp_path)] == [
        ("epoch", 1),
        ("evaluation", 1),
        ("epoch", 2),
    ]


@pytest.mark.parametrize(
    "torn", ['{"kind": "epo', '{"kind": "epoch"}', "[1]", "3", "\x00\x00", "\xff", '{"epoch": null}']
)
def test_a_record_that_a_crash_tore_is_forgotten(tmp_path: Path, torn: str) -> None:
    log = RunLog(tmp_path, log_every=1)
    log(epoch(1))
    with (tmp_path / "metrics.jsonl").open("a", encoding="latin-1") as file:
        file.write(torn)
    log.forget_after(5)
    log(epoch(2))
    assert [record["epoch"] for record in records(tmp_path)] == [1, 2]


def test_a_whole_record_without_its_newline_is_kept(tmp_path: Path) -> None:
    log = RunLog(tmp_path, log_every=1)
    log(epoch(1))
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(path.read_bytes().rstrip())
    log.forget_after(5)
    log(epoch(2))
    assert [record["epoch"] for record in records(tmp_path)] == [1, 2]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file/run"):
        RunLog(tmp_path / "file" / "run", log_every=1)
