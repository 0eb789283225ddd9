from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reseen.datasets.manifest import Manifest
from reseen.errors import (
    CheckpointError,
)
from reseen.recipe.schema import Recipe
from reseen.run_folder import Environment
from reseen.runs.plan import TrainingRun, plan_run
from reseen.runs.record import environment, identity
from reseen.runs.run_training import run_training
from reseen.training.processes import Processes

Files = Callable[[Path], dict[str, bytes]]
SmallRecipe = Callable[..., Recipe]
CPU = torch.device("cpu")
Identify = Callable[..., dict[str, object]]


@pytest.fixture
def identify(people: Manifest, small_recipe: SmallRecipe, tmp_path: Path) -> Identify:
    """The identity of a run with further overrides, or with other people or processes."""

    def of(*overrides: str, people: Manifest = people, processes: int = 1) -> dict[str, object]:
        settings = ("sampler.persons=4", *overrides)
        run = TrainingRun(small_recipe(*settings), people, tmp_path / "new", CPU, processes=Processes(0, processes))
        return identity(run, plan_run(run))

    return of


@pytest.mark.parametrize(
    "override",
    [
        *("training.epochs=7", "training.evaluate_every=0", "training.save_every=0", "training.log_every=9"),
        *("training.tensorboard=false", "training.early_stopping={patience: 3}", "data.memory_limit_gb=1"),
    ],
)
def test_length_and_rhythm_may_change_when_a_run_is_resumed(identify: Identify, override: str) -> None:
    assert identify(override) == identify()


@pytest.mark.parametrize(
    "override",
    [
        *(
            "training.best=mAP",
            "training.precision=bf16",
            "training.accumulate=2",
            "training.clip_norm=1",
        ),
        *("training.ema={}", "training.freeze_backbone=1", "training.batch_norm=frozen"),
        *("seed=1", "optimizer.learning_rate=1", "sampler.shuffle=false", "losses.1.feature=after_neck"),
    ],
)
def test_nothing_else_of_the_recipe_may(identify: Identify, override: str) -> None:
    assert identify(override) != identify()


def test_the_people_and_the_number_of_processes_stay_the_same(identify: Identify, people: Manifest) -> None:
    fewer = replace(people, samples=people.samples[1:])

    assert identify(people=fewer) != identify()
    assert identify(processes=2) != identify()


def test_an_environment_says_where_a_run_was_made(people: Manifest, small_recipe: SmallRecipe, tmp_path: Path) -> None:
    run = TrainingRun(small_recipe("sampler.persons=4"), people, tmp_path / "new", CPU, processes=Processes(0, 2))
    found = environment(run, plan_run(run))

    assert Environment.model_validate_json(json.dumps(found.model_dump())) == found
    assert (found.python, found.torch) == (platform.python_version(), torch.__version__)
    assert (found.device, found.processes, found.accelerator) == ("cpu", 2, None)
    assert found.processor
    assert found.data == (str(people.root),)
    assert (found.dataset, found.evaluation) == (people.name, {people.name: str(people.root)})


def test_a_run_is_not_resumed_with_another_recipe(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, files: Files
) -> None:
    before = files(finished_run / "checkpoints")

    with pytest.raises(CheckpointError, match="another run: it differs in its recipe"):
        run_training(TrainingRun(small_recipe("losses.1.margin=soft"), people, finished_run, CPU, resume=True))

    assert files(finished_run / "checkpoints") == before


def test_a_run_is_not_resumed_with_other_images(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe
) -> None:
    fewer = replace(people, samples=people.samples[1:])

    with pytest.raises(CheckpointError, match="differs in its training images"):
        run_training(TrainingRun(small_recipe(), fewer, finished_run, CPU, resume=True))


def test_a_run_is_not_resumed_with_another_evaluation_which_chose_its_best(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe
) -> None:
    fewer = replace(people, samples=tuple(s for s in people.samples if s != people.split("query")[0]))
    run = TrainingRun(small_recipe(), people, finished_run, CPU, resume=True, evaluation=(fewer,))

    with pytest.raises(CheckpointError, match="differs in its evaluation images"):
        run_training(run)
