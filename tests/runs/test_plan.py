from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reseen.assess.calibrate import calibration_people
from reseen.datasets.evaluation_split import EvaluationSplit
from reseen.datasets.manifest import Manifest, Split
from reseen.errors import CheckpointError, DatasetError, UsageError
from reseen.recipe.schema import Recipe
from reseen.runs.plan import TrainingRun, plan_run
from reseen.runs.run_training import run_training
from reseen.training.processes import Processes

Files = Callable[[Path], dict[str, bytes]]
SmallRecipe = Callable[..., Recipe]
CPU = torch.device("cpu")


def test_a_plan_holds_the_training_images_and_what_is_compared(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    plan = plan_run(TrainingRun(small_recipe(), people, tmp_path / "run", CPU))

    assert plan.samples == people.split("train")
    assert len(plan.persons) == 6
    assert [plan.persons[label] for label in plan.labels] == [sample.person for sample in plan.samples]
    assert plan.evaluated == (EvaluationSplit(people, people.split("query"), people.split("gallery")),)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("persons", "count", "nearest"), [(3, 2, 4), (4, 3, 3), (5, 4, 4)])
def test_persons_that_processes_cannot_share_are_refused(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path, persons: int, count: int, nearest: int
) -> None:
    run = TrainingRun(
        small_recipe(f"sampler.persons={persons}"), people, tmp_path, CPU, processes=Processes(count - 1, count)
    )
    with pytest.raises(UsageError, match=f"cannot be divided among {count} processes") as refused:
        plan_run(run)
    assert f"sampler.persons={nearest}" in str(refused.value.cure)


def test_batch_norm_is_synchronised_on_cuda_only(people: Manifest, small_recipe: SmallRecipe, tmp_path: Path) -> None:
    run = TrainingRun(small_recipe("training.batch_norm=synchronised"), people, tmp_path, CPU)
    with pytest.raises(UsageError, match="on CUDA devices only") as refused:
        plan_run(run)
    assert "per_process" in str(refused.value.cure)

    plan_run(replace(run, device=torch.device("cuda")))


def test_a_run_is_there_exactly_when_it_is_resumed(
    people: Manifest, small_recipe: SmallRecipe, finished_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="already holds a run"):
        plan_run(TrainingRun(small_recipe(), people, finished_run, CPU))
    with pytest.raises(CheckpointError, match="no checkpoint to resume"):
        plan_run(TrainingRun(small_recipe(), people, tmp_path, CPU, resume=True))
    plan_run(TrainingRun(small_recipe(), people, finished_run, CPU, resume=True))


def test_people_who_are_set_aside_to_calibrate_on_are_not_trained_on(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    recipe = small_recipe("data.calibration_share=0.5")
    plan = plan_run(TrainingRun(recipe, people, tmp_path / "run", CPU))
    aside = {sample.person for sample in calibration_people(recipe, [people]).samples}

    assert aside
    assert not aside & set(plan.persons)
    assert aside | set(plan.persons) == {sample.person for sample in people.split("train")}


def test_a_dataset_without_training_images_is_refused(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    without = replace(people, samples=tuple(sample for sample in people.samples if sample.split != "train"))
    with pytest.raises(DatasetError, match="no training images"):
        plan_run(TrainingRun(small_recipe(), without, tmp_path, CPU))


def test_a_folder_that_holds_a_run_is_refused_and_left_alone(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, files: Files
) -> None:
    before = files(finished_run)

    with pytest.raises(UsageError, match="already holds a run") as refused:
        run_training(TrainingRun(small_recipe(), people, finished_run, CPU))

    assert refused.value.cure is not None
    assert "--resume" in refused.value.cure
    assert files(finished_run) == before


def test_resuming_where_no_run_is_makes_nothing(people: Manifest, small_recipe: SmallRecipe, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint to resume"):
        run_training(TrainingRun(small_recipe(), people, tmp_path / "run", CPU, resume=True))

    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("empty", "what"), [("train", "no training images"), ("query", "no query images"), ("gallery", "no gallery images")]
)
def test_an_empty_part_stops_before_anything_is_made(
    empty: Split, what: str, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    without = replace(people, samples=tuple(s for s in people.samples if s.split != empty))

    with pytest.raises(DatasetError, match=what):
        run_training(TrainingRun(small_recipe(), without, tmp_path / "run", CPU))

    assert not (tmp_path / "run").exists()
