"""From what a user gives to a `TrainingRun`: the recipe, the datasets, the device, and the other processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from reseen.datasets.merge import training_and_evaluation
from reseen.datasets.open import DatasetSource, open_datasets
from reseen.recipe.load import Overrides, load_recipe
from reseen.recipe.schema import Recipe
from reseen.runs.device import join_processes
from reseen.runs.plan import TrainingRun

Ranks = tuple[int, int, int]
"""As `torchrun` tells each process that it starts: its number from 0, how many there are, its number on its machine."""
ALONE: Ranks = (0, 1, 0)


@contextlib.contextmanager
def prepare(
    recipe: Recipe | str | Path,
    data: DatasetSource | Sequence[DatasetSource],
    output: str | Path,
    *,
    overrides: Overrides = (),
    eval_data: DatasetSource | Sequence[DatasetSource] = (),
    device: str = "auto",
    resume: bool = False,
    ranks: Ranks = ALONE,
) -> Iterator[TrainingRun]:
    """The run that the arguments of `train` ask for; the processes that train together are joined while entered.

    Raises:
        UsageError: a recipe, an override, a dataset or a device that cannot be used.
        TrainingError: the other processes do not come, or are gone before the end.
    """
    settled = load_recipe(recipe, overrides)
    manifest, evaluation = training_and_evaluation(
        open_datasets(data, "--data"), open_datasets(eval_data, "--eval-data"), settled.data.evaluation_share
    )
    with join_processes(device, *ranks) as (processes, chosen):
        yield TrainingRun(settled, manifest, Path(output), chosen, resume, evaluation, processes)
