"""`History`: how far a run came, how long it took, and how good it was at its best."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from docs_pages.results.record import Figures
from docs_pages.results.run_file import read_run_file
from reseen.assess.stored_figures import FIGURES
from reseen.recipe.schema import Recipe
from reseen.training.checkpoint import Progress
from reseen.training.early_stopping import judged, out_of_patience
from reseen.training.trainer import HELD_OUT


@dataclass(frozen=True)
class History:
    """How a run went.

    Attributes:
        epochs: how many were trained.
        evaluated: after which one it was evaluated last; 0 for none.
        ended: whether it is finished, by its length or by early stopping, and evaluated at its end.
        training_seconds: of all epochs, whether or not the run was stopped in between.
        evaluation_seconds: of all evaluations.
        evaluations: how many there were.
        best_epoch: the one that `best` is of; 0 for none.
        figures: of the best evaluation; None where there was none.
        held_out: the same on the people set aside, where these chose the best.
    """

    epochs: int
    evaluated: int
    ended: bool
    training_seconds: float
    evaluation_seconds: float
    evaluations: int
    best_epoch: int
    figures: Figures | None
    held_out: Figures | None


def read_history(run: Path, recipe: Recipe) -> History:
    """Read the `metrics.jsonl` of a run, finished or not.

    Raises:
        UsageError: it cannot be read.
    """
    return read_run_file(run / "metrics.jsonl", partial(_history, recipe))


def _history(recipe: Recipe, content: bytes) -> History:
    lines = [json.loads(line) for line in content.splitlines()]
    epochs = [line for line in lines if line["kind"] == "epoch"]
    evaluations = [line for line in lines if line["kind"] == "evaluation"]
    batch = recipe.sampler.persons * recipe.sampler.images_per_person
    training, judged_last = recipe.training, _judged(recipe, evaluations)
    done = epochs[-1]["epoch"] if epochs else 0
    best = next((line["metrics"] for line in evaluations if line["epoch"] == judged_last.best_epoch), None)
    ended = done >= training.epochs or out_of_patience(judged_last, training.early_stopping)
    return History(
        epochs=done,
        evaluated=judged_last.epoch,
        ended=ended and judged_last.epoch == done,
        training_seconds=math.fsum(_seconds(line, batch) for line in epochs),
        evaluation_seconds=math.fsum(line["seconds"] for line in evaluations),
        evaluations=len(evaluations),
        best_epoch=judged_last.best_epoch,
        figures=None if best is None else _figures(best),
        held_out=None if best is None or training.best_on != HELD_OUT else _figures(best, f"{HELD_OUT}/"),
    )


def _judged(recipe: Recipe, evaluations: Sequence[Mapping[str, Any]]) -> Progress:
    """The evaluations as training judged them."""
    training, progress = recipe.training, Progress()
    figure = f"{HELD_OUT}/{training.best}" if training.best_on == HELD_OUT else training.best
    for line in evaluations:
        value = line["metrics"][figure]
        progress = judged(replace(progress, epoch=line["epoch"]), value, training.early_stopping)
    return progress


def _seconds(epoch: Mapping[str, Any], batch: int) -> float:
    """How long an epoch took: where a run was resumed within it, `seconds` are of the rest alone."""
    speed = epoch["images_per_second"]
    return float(epoch["iterations"] * batch / speed if speed else epoch["seconds"])


def _figures(metrics: Mapping[str, float], of: str = "") -> Figures:
    return Figures(**{name: metrics[f"{of}{name}"] for name in FIGURES})
