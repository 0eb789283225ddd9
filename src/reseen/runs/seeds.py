"""The same training with several seeds: how far its figures depend on chance."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from reseen.assess.evaluations import FRACTIONS
from reseen.datasets.open import DatasetSource
from reseen.errors import UsageError
from reseen.files import write_whole
from reseen.map_ahead import OnStage
from reseen.recipe.load import Overrides
from reseen.recipe.schema import Recipe
from reseen.run_folder import Run, RunResult
from reseen.runs.plan import TrainingRun, plan_run
from reseen.runs.prepare import ALONE, Ranks, prepare
from reseen.runs.run_training import run_training
from reseen.scores.figures import name_in_words
from reseen.training.events import Listener

MAX_SEEDS = 1000

Watch = Callable[[int, Run], tuple[Listener | None, OnStage | None]]
"""Given a seed and its run: what is called with the run's events, and with how far reading and evaluation are."""


@dataclass(frozen=True)
class SeedResults:
    """What came out of runs that differ in their seed.

    Attributes:
        runs: by seed; at least two.
    """

    runs: Mapping[int, RunResult]

    def spread(self) -> dict[str, dict[str, dict[str, float]]]:
        """Mean and sample standard deviation (of n - 1) of each figure, `last` and `best`: of each run's own epoch."""
        results = self.runs.values()
        names = [name for name in next(iter(results)).last if name.rpartition("/")[2] in FRACTIONS]
        return {
            name: {
                "last": _mean_and_std([result.last[name] for result in results]),
                "best": _mean_and_std([result.best[name] for result in results]),
            }
            for name in names
        }

    def figures(self) -> dict[str, Any]:
        """What `--json` and `seeds.json` hold."""
        return {"figures": self.spread(), "runs": {str(seed): asdict(result) for seed, result in self.runs.items()}}

    def lines(self) -> list[str]:
        """A line for each figure, for people to read."""
        return [
            f"{name_in_words(key)}: "
            + ", ".join(f"{which} {at['mean'] * 100:.2f} ± {at['std'] * 100:.2f} %" for which, at in figure.items())
            for key, figure in self.spread().items()
        ]


def train_seeds(
    recipe: Recipe | str | Path,
    data: DatasetSource | Sequence[DatasetSource],
    output: str | Path,
    seeds: int,
    *,
    overrides: Overrides = (),
    eval_data: DatasetSource | Sequence[DatasetSource] = (),
    device: str = "auto",
    resume: bool = False,
    watch: Watch = lambda seed, run: (None, None),
    ranks: Ranks = ALONE,
) -> SeedResults | None:
    """Train with the recipe's seed and those that follow it, one run after another, and compare.

    Each run is a whole one, in `seed_S` of the output folder; `seeds.json` beside them tells the result. Resuming
    continues the runs that have begun, which does nothing to finished ones, and begins the others.

    Args:
        recipe: as for `reseen.train`, like all others that are not named here.
        data: what to train on.
        output: the folder above those of the runs.
        seeds: how many runs, 2 to `MAX_SEEDS`.
        overrides: changes of the recipe.
        eval_data: what to evaluate on instead of `data`.
        device: where to compute.
        resume: continue the runs that are in `output`.
        watch: gives each run what is called with its events and its progress.
        ranks: of several processes.

    Returns:
        The results; None in processes other than the first.

    Raises:
        ReseenError: as for `run_seeds`.
    """
    given = prepare(
        recipe, data, output, overrides=overrides, eval_data=eval_data, device=device, resume=resume, ranks=ranks
    )
    with given as run:
        return run_seeds(run, seeds, watch)


def run_seeds(run: TrainingRun, seeds: int, watch: Watch = lambda seed, run: (None, None)) -> SeedResults | None:
    """Train a run several times, each with another seed, and compare.

    Args:
        run: the first of the runs, but for its folder.
        seeds: how many runs, 2 to `MAX_SEEDS`.
        watch: as for `train_seeds`; asked in the first process alone.

    Returns:
        The results; None in processes other than the first.

    Raises:
        UsageError: too few or too many seeds; a folder holds a run and is not to be resumed, or there is none to
            resume; and whatever else a run refuses. All of them are asked before the first begins.
        ReseenError: whatever stopped a run.
    """
    first = run.recipe.seed
    if not 2 <= seeds <= MAX_SEEDS or first + seeds > 2**63:
        raise UsageError(
            f"--seeds {seeds} from seed {first} on is out of range",
            expected=f"2 to {MAX_SEEDS} runs, with seeds below 2^63",
            got=f"--seeds {seeds}, seed={first}",
            cure="leave out --seeds for a single run, or give another number",
        )
    runs = run.processes.run_on_all(partial(_plan, run, range(first, first + seeds)))
    for each in runs:
        seed = each.recipe.seed
        listener, progress = watch(seed, Run(each.output)) if run.processes.is_first else (None, None)
        run_training(each, [] if listener is None else [listener], progress)
    return run.processes.on_rank_zero(
        lambda: _save(run.output, {each.recipe.seed: Run(each.output).result for each in runs})
    )


def _plan(run: TrainingRun, seeds: Sequence[int]) -> list[TrainingRun]:
    """The runs, each checked as far as it can be before an image is read."""
    begun = [seed for seed in seeds if Run(_folder(run, seed)).exists]
    runs = [
        replace(
            run,
            recipe=run.recipe.model_copy(update={"seed": seed}),
            output=_folder(run, seed),
            resume=run.resume and (seed in begun or not begun),
        )
        for seed in seeds
    ]
    for each in runs:
        plan_run(each)
    return runs


def _folder(run: TrainingRun, seed: int) -> Path:
    return run.output / f"seed_{seed}"


def _save(output: Path, runs: Mapping[int, RunResult]) -> SeedResults:
    results = SeedResults(runs)
    write_whole(output / "seeds.json", json.dumps(results.figures(), indent=2) + "\n")
    return results


def _mean_and_std(values: Sequence[float]) -> dict[str, float]:
    return {"mean": mean(values), "std": stdev(values)}
