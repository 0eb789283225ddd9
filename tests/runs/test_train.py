from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import safetensors.torch
import torch

from reseen.datasets.manifest import Manifest
from reseen.recipe.schema import Recipe
from reseen.run_folder import Run
from reseen.runs.train import train
from reseen.training.events import Evaluated, Event

SmallRecipe = Callable[..., Recipe]


def test_a_line_of_python_trains_what_the_command_does(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    told: list[Event] = []
    stages: set[str] = set()

    run = train(
        small_recipe(),
        str(people.root),
        tmp_path / "run",
        device="cpu",
        on_event=told.append,
        on_progress=lambda stage, done, total: stages.add(stage),
    )

    assert run == Run(tmp_path / "run")
    assert run.result == Run(finished_run).result
    weights = [safetensors.torch.load_file(each.weights("latest")) for each in (run, Run(finished_run))]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])
    assert [event.epoch for event in told if isinstance(event, Evaluated)] == [1, 2, 3]
    assert {"reading", "gallery", "query"} <= stages


def test_it_continues_what_is_there(people: Manifest, small_recipe: SmallRecipe, tmp_path: Path) -> None:
    usual = {"recipe": small_recipe("schedule={name: multistep}"), "data": people, "device": "cpu"}
    first = train(**usual, output=tmp_path / "run", overrides=["training.epochs=1"])  # type: ignore[arg-type]
    assert first.result.epochs == 1

    run = train(**usual, output=tmp_path / "run", overrides={"training.epochs": 2}, resume=True)  # type: ignore[arg-type]

    assert (run.result.epochs, [each.epoch for each in run.epochs]) == (2, [1, 2])
