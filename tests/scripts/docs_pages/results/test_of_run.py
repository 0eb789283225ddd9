from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docs_pages.results.of_run import RecordOptions, record_of_run
from reseen.datasets.manifest import Manifest
from reseen.errors import UsageError
from reseen.recipe.load import dump_recipe, load_recipe
from reseen.recipe.schema import Recipe

SmallRecipe = Callable[..., Recipe]
TOLD = RecordOptions("small")
HEADLINE = {"recall1": 0.5, "recall5": 0.6, "recall10": 0.7, "mAP": 0.4, "mINP": 0.1}


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to change."""
    return shutil.copytree(finished_run, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints", "tensorboard"))


def with_recipe(run: Path, *overrides: str) -> Path:
    recipe = load_recipe(run / "recipe.yaml", overrides)
    (run / "recipe.yaml").write_text(dump_recipe(recipe))
    return run


def with_environment(run: Path, **changes: Any) -> Path:
    path = run / "environment.json"
    found = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in found.items() if value != "gone"}))
    return run


def with_metrics(run: Path, folder: str, content: object) -> Path:
    (run / folder).mkdir()
    (run / folder / "metrics.json").write_text(json.dumps(content))
    return run


def test_a_run_tells_what_the_page_says_of_it(finished_run: Path, people: Manifest, small_recipe: SmallRecipe) -> None:
    record = record_of_run(finished_run, RecordOptions("small", "a small one", "networks", 2, "a note"))
    lines = [json.loads(line) for line in (finished_run / "metrics.jsonl").read_text().splitlines()]
    evaluations = [line["metrics"] for line in lines if line["kind"] == "evaluation"]

    assert (record.name, record.words, record.comparison) == ("small", "a small one", "networks")
    assert (record.place, record.note) == (2, "a note")
    assert (record.dataset, record.data, record.evaluated) == (people.name, (people.root.name,), ())
    assert (record.height, record.width, record.epochs, record.seed, record.init) == (64, 32, 3, 0, "scratch")
    assert record.figures.recall1 == max(each["recall1"] for each in evaluations)
    assert record.model == "small_resnet (widths [8, 16])"
    assert "the best of 3 evaluations by recall1 on the evaluation itself" in record.weights
    assert (record.calibration_people, record.reranked) == (None, None)
    assert record.training_seconds == pytest.approx(sum(line["seconds"] for line in lines if line["kind"] == "epoch"))
    assert (record.starter, record.recipe) == ("reseen", "tiny")
    assert load_recipe(record.recipe, record.overrides) == small_recipe("training.precision=fp32")  # what the CPU does


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/home/me/weights/resnet50.npz", "resnet50.npz"),
        ("/home/me/first/checkpoints/best", "runs/first/checkpoints/best"),
        ("/home/me/first/seed_1/checkpoints/best", "runs/first/seed_1/checkpoints/best"),
        ("runs/first/checkpoints/best", "runs/first/checkpoints/best"),
        ("../home/weights/resnet50.npz", "resnet50.npz"),
        ("a/../../home/me/first/checkpoints/best", "runs/first/checkpoints/best"),
        ("/checkpoints/home/best", "best"),
    ],
)
def test_a_record_names_no_folder_of_the_machine(run: Path, path: str, told: str) -> None:
    record = record_of_run(with_recipe(run, f"model.pretrained={{path: {path}}}"), TOLD)

    assert record.init == told
    assert any(told in override for override in record.overrides)
    assert "/home" not in record.model_dump_json()


@pytest.mark.parametrize("recipe", ["../recipe.yaml", "/recipe.yaml", "../../seed_1/recipe.yaml"])
def test_where_the_run_has_no_name_a_file_is_told_alone(run: Path, recipe: str) -> None:
    losses = f"losses=[{{name: distillation, teacher: {{recipe: {recipe}, weights: a}}}}]"
    told = " ".join(record_of_run(with_recipe(run, losses), TOLD).overrides)
    assert "recipe: recipe.yaml" in told


@pytest.mark.parametrize("folder", ["/home/me/teacher", "runs/teacher", "../home/runs/teacher"])
def test_a_teacher_is_told_with_the_run_it_comes_from(run: Path, folder: str) -> None:
    teacher = f"{{recipe: {folder}/recipe.yaml, weights: {folder}/checkpoints/best}}"
    record = record_of_run(with_recipe(run, f"losses=[{{name: distillation, teacher: {teacher}}}]"), TOLD)

    assert record.init == "scratch, taught by runs/teacher/checkpoints/best"
    assert any("recipe: runs/teacher/recipe.yaml" in override for override in record.overrides)
    assert "home" not in record.model_dump_json()


def test_a_recipe_of_one_s_own_is_told_as_a_change_of_a_shipped_one(run: Path) -> None:
    record = record_of_run(with_recipe(run, "name=my own", "seed=4"), TOLD)

    assert record.recipe == "baseline"
    assert "name=my own" in record.overrides
    assert load_recipe("baseline", [*record.overrides, "seed=4"]) == load_recipe(run / "recipe.yaml")


@pytest.mark.parametrize(
    ("environment", "machine"),
    [
        ({"processor": "CPU", "threads": 1, "cores": 2}, "CPU, 1 thread of 2 cores, no accelerator; torch 2"),
        ({"processor": "CPU", "threads": 1, "cores": 4, "processes": 3}, "CPU, 3 threads of 4 cores, no acc"),
        ({"accelerator": "GPU"}, "GPU; torch 2"),
        ({"accelerator": "GPU", "processes": 2}, "2 × GPU; torch 2"),
    ],
)
def test_the_machine_is_told(run: Path, environment: dict[str, Any], machine: str) -> None:
    assert record_of_run(with_environment(run, **environment), TOLD).machine.startswith(machine)


def test_a_run_of_before_machines_were_recorded_takes_what_it_is_told(run: Path, people: Manifest) -> None:
    with_environment(run, processor="gone", accelerator="gone", data="gone")

    with pytest.raises(UsageError, match=r"does not say on what machine(.|\n)*--machine"):
        record_of_run(run, TOLD)
    record = record_of_run(run, RecordOptions("small", machine="a quiet one"))
    assert (record.machine, record.data) == ("a quiet one", (people.root.name,))


@pytest.mark.parametrize("name", ["../up", "", "a b"])
def test_a_name_that_is_no_file_s_is_refused(finished_run: Path, name: str) -> None:
    with pytest.raises(UsageError, match="a record cannot be called"):
        record_of_run(finished_run, RecordOptions(name))


def test_several_processes_and_other_people_are_told_by_the_command(run: Path) -> None:
    record = record_of_run(with_environment(run, processes=2, evaluation={"b": "/x/b", "a": "/x/a"}), TOLD)

    assert record.starter == "torchrun --nproc-per-node 2 -m reseen"
    assert (record.dataset, record.evaluated) == ("mean of a, b", ("a", "b"))


def test_re_ranked_figures_are_those_in_its_folder(run: Path) -> None:
    with_metrics(run, "reranked", HEADLINE | {"rerank": True})

    reranked = record_of_run(run, TOLD).reranked
    assert reranked is not None
    assert reranked.model_dump() == HEADLINE


def test_re_ranked_figures_of_several_datasets_are_their_mean(run: Path) -> None:
    others = {"a": HEADLINE | {"recall1": 0.1}, "b": HEADLINE | {"recall1": 0.9}}
    with_metrics(run, "reranked", others | {"mean": HEADLINE | {"rerank": True}})

    reranked = record_of_run(run, TOLD).reranked
    assert reranked is not None
    assert reranked.recall1 == 0.5


def test_figures_without_re_ranking_are_not_taken_for_re_ranked_ones(run: Path) -> None:
    with_metrics(run, "reranked", HEADLINE | {"rerank": False})

    with pytest.raises(UsageError, match="holds no re-ranked figures"):
        record_of_run(run, TOLD)


def test_a_run_without_its_evaluation_is_refused(run: Path) -> None:
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(line for line in lines if '"evaluation"' not in line))

    with pytest.raises(UsageError, match=r"not a finished run with its evaluation(.|\n)*after epoch 0"):
        record_of_run(run, TOLD)


def test_a_run_that_is_not_finished_is_refused(run: Path) -> None:
    with pytest.raises(UsageError, match=r"not a finished run(.|\n)*4 epochs(.|\n)*3 epochs"):
        record_of_run(with_recipe(run, "training.epochs=4"), TOLD)


def test_the_only_evaluation_is_told_as_the_last_epoch_s(run: Path) -> None:
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if '"epoch": 3' in line or '"kind": "epoch"' in line]
    (run / "metrics.jsonl").write_text("".join(kept))

    assert record_of_run(run, TOLD).weights == "epoch 3, the last"
