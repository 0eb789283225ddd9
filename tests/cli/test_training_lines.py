from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from reseen.cli.training_lines import done_line, training_lines
from reseen.run_folder import Run
from reseen.training.events import EpochDone, Evaluated, StepDone

FIGURES = {"recall1": 0.5, "recall5": 0.75, "mAP": 0.25, "mINP": 0.125}
LINE = "rank-1 50.00 %, rank-5 75.00 %, mAP 25.00 %, mINP 12.50 %"


def evaluated(metrics: Mapping[str, float], *, is_best: bool = False) -> Evaluated:
    return Evaluated(3, metrics, best=0.5, is_best=is_best, seconds=2.0)


def of(dataset: str) -> dict[str, float]:
    return {f"{dataset}/{name}": value for name, value in FIGURES.items()}


def test_an_epoch_is_a_line_and_a_step_is_none(tmp_path: Path) -> None:
    done = EpochDone(2, 10, 0.1, {"total": 1.23456}, seconds=2.0, images_per_second=33.3)
    step = StepDone(1, 2, 3, 4, 0.1, {"total": 1.0}, images_per_second=1.0, eta_seconds=1.0)

    assert training_lines(done, Run(tmp_path), "seed 1, ") == ["seed 1, epoch 2: loss 1.235, 33 images/s"]
    assert training_lines(step, Run(tmp_path)) == []


@pytest.mark.parametrize(
    ("metrics", "lines"),
    [
        (FIGURES, [f"epoch 3: {LINE} (best)"]),
        (
            FIGURES | of("a") | of("b"),
            [f"epoch 3, a: {LINE}", f"epoch 3, b: {LINE}", f"epoch 3, mean: {LINE} (best)"],
        ),
        (FIGURES | of("calibration_people"), [f"epoch 3, calibration_people: {LINE}", f"epoch 3: {LINE} (best)"]),
    ],
)
def test_an_evaluation_is_a_line_for_each_dataset(
    metrics: Mapping[str, float], lines: list[str], tmp_path: Path
) -> None:
    assert training_lines(evaluated(metrics, is_best=True), Run(tmp_path)) == lines


@pytest.mark.parametrize(("root", "named"), [("/data/a", ""), ("/data/b", ", b")])
def test_the_only_dataset_evaluated_on_is_named_where_it_was_not_trained_on(
    root: str, named: str, finished_run: Path, tmp_path: Path
) -> None:
    run = Run(tmp_path)
    found = Run(finished_run).environment.model_dump() | {"dataset_root": "/data/a", "evaluation": {"b": root}}
    run.environment_path.write_text(json.dumps(found), encoding="utf-8")

    assert training_lines(evaluated(FIGURES), run) == [f"epoch 3{named}: {LINE}"]


def test_the_end_tells_the_best(finished_run: Path) -> None:
    run = Run(finished_run)
    best = run.result.best["recall1"]

    assert done_line(run) == f"done: 1 epochs, best rank-1 {best * 100:.2f} % at epoch 1"
