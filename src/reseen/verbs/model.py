"""What a verb works on: a bundle, a training run, or a recipe and trained weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reseen.datasets.open import DatasetSource
from reseen.errors import UsageError
from reseen.recipe.schema import Recipe
from reseen.run_folder import Run

Datasets = DatasetSource | Sequence[DatasetSource]
"""One dataset or several, each a path or what was read of it."""
RecipeSource = str | Path | Recipe
"""A shipped name, a YAML file, or a recipe."""
Weights = str | Path


def run_of(model: object) -> Run | None:
    """The run that a user names: a `Run`, or a folder that holds one."""
    if isinstance(model, str | Path):
        run = Run(model)
        return run if run.recipe_path.is_file() else None
    return model if isinstance(model, Run) else None


def trained_by(run: Run, recipe: RecipeSource | None, weights: Weights | None) -> tuple[Path, Path]:
    """A run's recipe and its best weights, when no others are named beside it.

    Raises:
        UsageError: others are.
        RunError: it has not saved any.
    """
    if recipe is not None or weights is not None:
        raise UsageError(
            f"{run.folder} is a run, which has a recipe and weights of its own",
            expected="the run alone, or a recipe and weights",
            got="both",
            cure="leave out one of them",
        )
    return run.recipe_path, run.weights("best")
