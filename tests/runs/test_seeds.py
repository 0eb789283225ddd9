from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from reseen.datasets.manifest import Manifest
from reseen.errors import CheckpointError, TrainingError, UsageError
from reseen.recipe.schema import Recipe
from reseen.run_folder import Run, RunResult
from reseen.runs.plan import TrainingRun
from reseen.runs.run_training import run_training
from reseen.runs.seeds import SeedResults, run_seeds, train_seeds
from reseen.training.events import EpochDone, Event, StepDone

CPU = torch.device("cpu")
SmallRecipe = Callable[..., Recipe]
SEEDS = (5, 6, 7)
KEPT = ("checkpoints/latest.safetensors", "checkpoints/best.safetensors", "metrics.jsonl")


@pytest.fixture(scope="module")
def series(people: Manifest, small_recipe: SmallRecipe, tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    """Three finished runs from seed 5 on; read only."""
    run = TrainingRun(small_recipe("seed=5"), people, tmp_path_factory.mktemp("series"), CPU)
    run_seeds(run, 3)
    return run


def kept(run: Path) -> list[bytes]:
    return [(run / name).read_bytes() for name in KEPT]


def same_weights(left: Path, right: Path) -> bool:
    """Whether `latest` and `best` are the same to the bit."""
    return all(same_tensors(left / name, right / name) for name in KEPT[:2])


def same_tensors(left: Path, right: Path) -> bool:
    one, other = safetensors.torch.load_file(left), safetensors.torch.load_file(right)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def evaluations(run: Path) -> list[dict[str, Any]]:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [record["metrics"] for record in map(json.loads, lines) if record["kind"] == "evaluation"]


def test_each_run_is_the_one_that_its_seed_trains_alone(
    series: TrainingRun, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    assert sorted(path.name for path in series.output.iterdir()) == ["seed_5", "seed_6", "seed_7", "seeds.json"]

    run_training(TrainingRun(small_recipe("seed=6"), people, tmp_path / "alone", CPU))

    assert same_weights(series.output / "seed_6", tmp_path / "alone")
    assert not same_weights(series.output / "seed_5", tmp_path / "alone")
    recipe = (series.output / "seed_6" / "recipe.yaml").read_text(encoding="utf-8")
    assert recipe == (tmp_path / "alone" / "recipe.yaml").read_text(encoding="utf-8")


def test_the_figures_are_mean_and_sample_standard_deviation_of_the_last_and_the_best_evaluations(
    series: TrainingRun,
) -> None:
    found = json.loads((series.output / "seeds.json").read_text(encoding="utf-8"))

    measured = [evaluations(series.output / f"seed_{seed}") for seed in SEEDS]
    assert list(found["figures"]) == ["recall1", "recall5", "recall10", "mAP", "mINP"]
    for name, figure in found["figures"].items():
        last = [run[-1][name] for run in measured]
        best = [run[int(np.argmax([each["recall1"] for each in run]))][name] for run in measured]
        for values, spread in ((last, figure["last"]), (best, figure["best"])):
            assert spread["mean"] == pytest.approx(np.mean(values))
            assert spread["std"] == pytest.approx(np.std(values, ddof=1))
    assert any(figure["last"]["std"] > 0 for figure in found["figures"].values())
    assert list(found["runs"]) == ["5", "6", "7"]
    assert [run["last"] for run in found["runs"].values()] == [run[-1] for run in measured]


def test_one_line_of_python_trains_them(
    series: TrainingRun, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    told: dict[int, Run] = {}

    def watch(seed: int, run: Run) -> tuple[None, None]:
        told[seed] = run
        return None, None

    results = train_seeds(small_recipe(), people.root, tmp_path, 2, overrides={"seed": 5}, device="cpu", watch=watch)

    assert told == {seed: Run(tmp_path / f"seed_{seed}") for seed in (5, 6)}
    assert results is not None
    assert results.runs == {seed: Run(series.output / f"seed_{seed}").result for seed in (5, 6)}


def test_people_read_a_line_for_each_figure_of_each_dataset() -> None:
    runs = {
        seed: RunResult(9, 4, {"recall1": value, "a/mAP": value / 2, "queries": 7.0}, {"recall1": 0.75, "a/mAP": 0.5})
        for seed, value in enumerate((0.5, 0.7))
    }

    assert SeedResults(runs).lines() == [
        "rank-1: last 60.00 ± 14.14 %, best 75.00 ± 0.00 %",
        "a/mAP: last 30.00 ± 7.07 %, best 50.00 ± 0.00 %",
    ]


def test_a_series_that_was_stopped_goes_on_where_it_was_and_ends_as_if_it_had_not_been(
    series: TrainingRun, tmp_path: Path
) -> None:
    run = replace(series, output=tmp_path / "series")
    told: list[int] = []

    def fail_in_the_second(event: Event) -> None:
        if isinstance(event, StepDone) and event.epoch == 2:
            raise TrainingError("power cut", expected="power", got="none", cure="wait")

    with pytest.raises(TrainingError, match="power cut"):
        run_seeds(run, 3, lambda seed, _: (fail_in_the_second if seed == 6 else None, None))
    assert not (run.output / "seed_7").exists()
    assert not (run.output / "seeds.json").exists()
    first = kept(run.output / "seed_5")

    def count(seed: int, event: Event) -> None:
        if isinstance(event, EpochDone):
            told.append(seed)

    results = run_seeds(replace(run, resume=True), 3, lambda seed, _: (partial(count, seed), None))

    assert told == [6, 6, 7, 7, 7]  # the first run was finished, of the second two epochs were missing
    assert kept(run.output / "seed_5") == first
    assert results is not None
    assert results.figures() == json.loads((series.output / "seeds.json").read_text(encoding="utf-8"))
    assert all(same_weights(run.output / f"seed_{seed}", series.output / f"seed_{seed}") for seed in SEEDS)


def test_another_recipe_is_refused_by_a_run_that_has_begun(series: TrainingRun, small_recipe: SmallRecipe) -> None:
    other = replace(series, recipe=small_recipe("seed=5", "losses.1.margin=soft"), resume=True)
    with pytest.raises(CheckpointError, match="another run: it differs in its recipe"):
        run_seeds(other, 3)


def test_a_folder_that_holds_one_of_the_runs_is_refused_before_any_other_is_trained(
    series: TrainingRun, small_recipe: SmallRecipe
) -> None:
    with pytest.raises(UsageError, match="seed_5 already holds a run"):
        run_seeds(replace(series, recipe=small_recipe("seed=4")), 2)
    assert not (series.output / "seed_4").exists()


def test_where_no_run_has_begun_there_is_nothing_to_resume(series: TrainingRun, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint to resume"):
        run_seeds(replace(series, output=tmp_path / "none", resume=True), 2)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("first", "seeds"), [(0, 1), (0, 0), (0, -3), (0, 1001), (2**63 - 2, 3)])
def test_numbers_of_runs_that_cannot_be_compared_are_refused(
    first: int, seeds: int, series: TrainingRun, small_recipe: SmallRecipe
) -> None:
    with pytest.raises(UsageError, match="is out of range") as refused:
        run_seeds(replace(series, recipe=small_recipe(f"seed={first}")), seeds)
    assert refused.value.got == f"--seeds {seeds}, seed={first}"
