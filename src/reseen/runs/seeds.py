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
from reseen.assess.extract import Progress as StageProgress
from reseen.errors import UsageError
from reseen.files import write_whole
from reseen.runs.plan import TrainingRun, holds_run, plan_run
from reseen.runs.result import RunResult, read_result
from reseen.runs.train import train
from reseen.training.events import Listener

MAX_SEEDS = 1000

Watch = Callable[[int], tuple[Sequence[Listener], StageProgress | None]]
"""Given a seed: who is told how its run goes, and how reading and evaluation go."""


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
            f"{name}: " + ", ".join(f"{which} {at['mean']:.5f} ± {at['std']:.5f}" for which, at in figure.items())
            for name, figure in self.spread().items()
        ]


def train_seeds(run: TrainingRun, seeds: int, watch: Watch = lambda seed: ((), None)) -> SeedResults | None:
    """Train with the recipe's seed and those that follow it, one run after another, and compare.

    Each run is a whole one, in `seed_S` of the output folder; `seeds.json` beside them tells the result. Resuming
    continues the runs that have begun, which does nothing to finished ones, and begins the others.

    Args:
        run: the first of the runs, but for its folder.
        seeds: how many runs, 2 to `MAX_SEEDS`.
        watch: gives each run its listeners.

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
            f"runs of --seeds {seeds} from seed {first} on cannot be compared",
            expected=f"2 to {MAX_SEEDS} runs, with seeds below 2^63",
            got=f"--seeds {seeds}, seed={first}",
            cure="leave out --seeds for a single run, or give another number",
        )
    runs = run.processes.together(partial(_plan, run, range(first, first + seeds)))
    done = {each.recipe.seed: train(each, *watch(each.recipe.seed)) for each in runs}
    return run.processes.first(lambda: _save(run.output, {s: read_result(_folder(run, s), done[s]) for s in done}))


def _plan(run: TrainingRun, seeds: Sequence[int]) -> list[TrainingRun]:
    """The runs, each checked as far as it can be before an image is read."""
    begun = [seed for seed in seeds if holds_run(_folder(run, seed))]
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
