"""The teacher that a recipe names."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reseen.bundle.bundle import open_bundle
from reseen.datasets.holdout import hold_out_for_calibration
from reseen.datasets.manifest import Manifest
from reseen.errors import CheckpointError
from reseen.recipe.schema import Recipe
from reseen.runs.plan import TrainingRun
from reseen.runs.run_training import run_training
from reseen.runs.teacher import load_teacher

CPU = torch.device("cpu")
SmallRecipe = Callable[..., Recipe]


def taught_by(run: Path, weights: str = "best") -> str:
    teacher = f"{{recipe: {run / 'recipe.yaml'}, weights: {run / 'checkpoints' / weights}}}"
    return f"losses=[{{name: cross_entropy}}, {{name: distillation, teacher: {teacher}}}]"


@pytest.fixture
def nobody(people: Manifest) -> Manifest:
    return hold_out_for_calibration(people, 0.0).calibration


def test_a_recipe_whose_losses_name_none_has_none(small_recipe: SmallRecipe, nobody: Manifest) -> None:
    assert load_teacher(small_recipe(), nobody, CPU) is None


def test_it_is_known_by_what_it_computes_and_not_by_where_it_lies(
    finished_run: Path, small_recipe: SmallRecipe, nobody: Manifest, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(finished_run, tmp_path / "moved"))
    runs = ((finished_run, "best"), (moved, "best.safetensors"), (finished_run, "epoch_2"))
    named = [load_teacher(small_recipe(taught_by(*run)), nobody, CPU) for run in runs]

    here, there, other = (each.feature_space for each in named if each)
    assert here == there != other


def test_a_student_goes_on_with_its_teacher_elsewhere_and_not_with_another(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(finished_run, tmp_path / "moved"))
    run = TrainingRun(small_recipe(taught_by(finished_run), "training.epochs=1"), people, tmp_path / "run", CPU)
    run_training(run)
    run_training(replace(run, recipe=small_recipe(taught_by(moved), "training.epochs=2"), resume=True))

    shutil.copy(moved / "checkpoints" / "epoch_2.safetensors", moved / "checkpoints" / "best.safetensors")
    with pytest.raises(CheckpointError, match="differs in its teacher"):
        run_training(replace(run, recipe=small_recipe(taught_by(moved)), resume=True))


@pytest.mark.parametrize("features", [0, 1])
def test_a_bundle_teaches_too(
    small_bundle: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path, features: float
) -> None:
    loss = f"{{name: distillation, features: {features}, teacher: {{bundle: {small_bundle}}}}}"
    recipe = small_recipe(f"losses=[{{name: cross_entropy}}, {loss}]", "training.epochs=1")
    about = open_bundle(small_bundle).description

    named = load_teacher(recipe, hold_out_for_calibration(people, 0.0).calibration, CPU)

    assert named
    assert (named.feature_size, named.feature_space) == (about.feature_size, about.feature_space)
    assert about.name in named.words[0]
    assert run_training(TrainingRun(recipe, people, tmp_path / "run", CPU)).epoch == 1


@pytest.mark.parametrize(
    ("teachers", "students", "told"),
    [(0.0, 0.0, ()), (0.5, 0.0, ()), (0.5, 0.5, ()), (0.0, 0.5, ("kept other people aside, or nobody",))],
)
def test_it_is_said_where_it_may_have_learnt_people_whom_the_student_keeps(
    people: Manifest,
    small_recipe: SmallRecipe,
    tmp_path: Path,
    teachers: float,
    students: float,
    told: tuple[str, ...],
) -> None:
    settings = ("sampler.persons=2", "training.epochs=1", "training.evaluate_every=0", "training.save_every=0")
    recipe = small_recipe(*settings, f"data.calibration_share={teachers}")
    run_training(TrainingRun(recipe, people, tmp_path / "teacher", CPU))
    named = load_teacher(
        small_recipe(taught_by(tmp_path / "teacher")), hold_out_for_calibration(people, students).calibration, CPU
    )

    assert named
    _, *doubts = named.words
    assert len(doubts) == len(told)
    assert all(words in doubt for words, doubt in zip(told, doubts, strict=True))
