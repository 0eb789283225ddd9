from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reseen.errors import RecipeError, RunError
from reseen.recipe.schema import Recipe
from reseen.run_folder import Run, epoch_name

SmallRecipe = Callable[..., Recipe]
ENVIRONMENT = {
    "reseen": "0.1.0",
    "python": "3.11.2",
    "torch": "2.13.0",
    "numpy": "2.4.0",
    "platform": "Linux",
    "threads": 2,
    "device": "cpu",
    "dataset": "people",
    "dataset_root": "/data/people",
    "evaluation": {"people": "/data/people"},
}
"""What the first version wrote."""


def epoch(number: int, total: float = 1.0) -> dict[str, Any]:
    timing = {"iterations": 10, "learning_rate": 0.1, "seconds": 2.0, "images_per_second": 30.0}
    return {"kind": "epoch", "epoch": number, "losses": {"total": total}, **timing}


def evaluation(number: int, recall1: float, best: float) -> dict[str, Any]:
    figures = {"metrics": {"recall1": recall1}, "best": best, "is_best": recall1 == best}
    return {"kind": "evaluation", "epoch": number, "seconds": 1.0, **figures}


def written(folder: Path, *records: dict[str, Any]) -> Run:
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return Run(folder)


def test_a_run_tells_what_it_was_and_how_it_went(finished_run: Path, small_recipe: SmallRecipe) -> None:
    run = Run(str(finished_run))
    lines = [json.loads(line) for line in (finished_run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    evaluated = [line["metrics"] for line in lines if line["kind"] == "evaluation"]
    best = max(evaluated, key=lambda metrics: metrics["recall1"])

    assert run.exists
    assert run.recipe == small_recipe("training.precision=fp32")  # what the CPU does
    assert [each.epoch for each in run.epochs] == [1, 2, 3]
    assert [each.metrics for each in run.evaluations] == evaluated
    assert (run.result.epochs, run.result.last, run.result.best) == (3, evaluated[-1], best)
    assert run.weights() == run.weights("best") == finished_run / "checkpoints" / "best.safetensors"
    assert run.weights(2) == finished_run / "checkpoints" / f"{epoch_name(2)}.safetensors"
    assert run.environment.device == "cpu"
    assert run.log.count(" evaluated in ") == 3
    assert repr(run) == (
        f"Run('{finished_run}': tiny, 3 epochs, best recall1 {best['recall1']:.4f} at epoch {run.result.best_epoch})"
    )


def test_two_names_of_one_folder_are_one_run(tmp_path: Path) -> None:
    assert Run(tmp_path) == Run(str(tmp_path))
    assert len({Run(tmp_path), Run(str(tmp_path)), Run(tmp_path / "other")}) == 2


def test_a_folder_without_a_run_says_so(tmp_path: Path) -> None:
    run = Run(tmp_path / "none")

    assert not run.exists
    assert repr(run) == f"Run('{tmp_path}/none': no run here yet)"
    assert not Run("n" * 300).exists
    with pytest.raises(RecipeError, match=r"recipe\.yaml cannot be read"):
        _ = run.recipe
    for read in (lambda: run.environment, lambda: run.epochs, lambda: run.result, lambda: run.log):
        with pytest.raises(RunError, match="does not tell what it should of a run") as refused:
            read()
        assert refused.value.got == "No such file or directory"


def test_a_result_is_the_last_evaluation_and_the_best_one(tmp_path: Path) -> None:
    evaluations = evaluation(1, 0.1, 0.1), evaluation(2, 0.5, 0.5), evaluation(3, 0.4, 0.5)
    found = written(tmp_path, epoch(1), evaluations[0], epoch(2), evaluations[1], epoch(3), evaluations[2]).result

    assert (found.epochs, found.best_epoch) == (3, 2)
    assert (found.last, found.best) == ({"recall1": 0.4}, {"recall1": 0.5})


@pytest.mark.parametrize(
    ("records", "got"),
    [
        ([], "no evaluation"),
        ([epoch(1)], "no evaluation"),
        ([evaluation(1, 0.1, 0.1), evaluation(3, 0.4, 0.5)], "2 evaluations, and not the best"),
    ],
)
def test_a_best_evaluation_that_is_missing_is_told_with_what_measures_it_again(
    records: list[dict[str, Any]], got: str, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=r"metrics\.jsonl does not hold the results of the run") as refused:
        _ = written(tmp_path, *records).result

    assert refused.value.got == got
    assert f"--weights {tmp_path}/checkpoints/best" in str(refused.value.cure)


@pytest.mark.parametrize(
    ("line", "got"),
    [
        ('{"kind": "evalua', "line 2: Invalid JSON"),
        ("[1]", "line 2: "),
        ('{"epoch": 3}', "line 2: "),
        ("\xff", "line 2: "),
        ('{"kind": "epoch", "epoch": "three"}', "line 2: epoch.epoch: "),
    ],
)
def test_records_that_are_spoilt_are_told_with_their_line(line: str, got: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(f"{json.dumps(epoch(1))}\n{line}\n".encode("latin-1"))

    with pytest.raises(RunError, match=r"metrics\.jsonl does not tell") as refused:
        _ = Run(tmp_path).epochs
    assert str(refused.value.got).startswith(got)


def test_an_environment_of_an_earlier_version_is_read_and_a_later_one_too(tmp_path: Path) -> None:
    (tmp_path / "environment.json").write_text(json.dumps(ENVIRONMENT | {"planet": "Earth"}), encoding="utf-8")
    found = Run(tmp_path).environment

    assert (found.processor, found.accelerator, found.processes, found.data) == (None, None, 1, ())
    assert found.dataset_root == "/data/people"


def test_weights_that_were_not_kept_are_told_with_those_that_were(finished_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no weights 'epoch_1'") as refused:
        Run(finished_run).weights(1)
    assert refused.value.expected == "one of best, epoch_2, latest"
    with pytest.raises(RunError, match="holds no weights 'best'") as refused:
        Run(tmp_path).weights()
    assert refused.value.expected == "a run that has saved"


def test_a_run_tells_the_command_that_evaluates_it(tmp_path: Path) -> None:
    run = Run(tmp_path / "a run")
    assert "--data PATH" in run.evaluate_command()
    run.folder.mkdir()
    run.environment_path.write_text(json.dumps(ENVIRONMENT), encoding="utf-8")

    assert run.evaluate_command() == (
        f"reseen evaluate -c '{run.folder}/recipe.yaml' --weights '{run.folder}/checkpoints/best' "
        f"--data /data/people --output '{run.folder}/evaluation'"
    )


def test_a_run_of_before_the_people_set_aside_had_their_name_is_read(tmp_path: Path) -> None:
    former = evaluation(1, 0.5, 0.5)
    former["metrics"] = {"recall1": 0.5, "held_out/recall1": 0.7, "withheld_out/recall1": 0.1}

    found = written(tmp_path, former).evaluations[0].metrics
    assert found == {"recall1": 0.5, "calibration_people/recall1": 0.7, "withheld_out/recall1": 0.1}
