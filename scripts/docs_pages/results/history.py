"""`History`: how far a run came, how long it took, and how good it was at its best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from docs_pages.results.record import Figures
from reseen.assess.stored_figures import FIGURES
from reseen.errors import RunError
from reseen.recipe.schema import Recipe
from reseen.run_folder import CALIBRATION_PEOPLE, EpochRecord, EvaluationRecord, Run
from reseen.training.checkpoint import TrainState
from reseen.training.schedule import judged, out_of_patience


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
        calibration_people: the same on the people set aside, where these chose the best.
    """

    epochs: int
    evaluated: int
    ended: bool
    training_seconds: float
    evaluation_seconds: float
    evaluations: int
    best_epoch: int
    figures: Figures | None
    calibration_people: Figures | None


def read_history(run: Run, recipe: Recipe) -> History:
    """How a run went, finished or not.

    Raises:
        RunError: what it has written cannot be read, or lacks the figures that the recipe chooses by.
    """
    epochs, evaluations = run.epochs, run.evaluations
    try:
        return _history(recipe, epochs, evaluations)
    except KeyError as error:
        raise RunError(
            f"{run.metrics_path} lacks a figure",
            expected=f"{', '.join(FIGURES)} of every evaluation, and the figure that the recipe chooses by",
            got=f"no {error}",
            cure="check the run's folder, or train again",
        ) from None


def _history(recipe: Recipe, epochs: Sequence[EpochRecord], evaluations: Sequence[EvaluationRecord]) -> History:
    batch = recipe.sampler.persons * recipe.sampler.images_per_person
    training, judged_last = recipe.training, _judged(recipe, evaluations)
    done = epochs[-1].epoch if epochs else 0
    best = next((each.metrics for each in evaluations if each.epoch == judged_last.best_epoch), None)
    ended = done >= training.epochs or out_of_patience(judged_last, training.early_stopping)
    return History(
        epochs=done,
        evaluated=judged_last.epoch,
        ended=ended and judged_last.epoch == done,
        training_seconds=math.fsum(_seconds(each, batch) for each in epochs),
        evaluation_seconds=math.fsum(each.seconds for each in evaluations),
        evaluations=len(evaluations),
        best_epoch=judged_last.best_epoch,
        figures=None if best is None else _figures(best),
        calibration_people=_of_calibration_people(recipe, best),
    )


def _judged(recipe: Recipe, evaluations: Sequence[EvaluationRecord]) -> TrainState:
    """The evaluations as training judged them."""
    training, progress = recipe.training, TrainState()
    figure = f"{_prefix(recipe)}{training.best}"
    for each in evaluations:
        progress = judged(replace(progress, epoch=each.epoch), each.metrics[figure], training.early_stopping)
    return progress


def _seconds(epoch: EpochRecord, batch: int) -> float:
    """How long an epoch took: where a run was resumed within it, `seconds` are of the rest alone."""
    speed = epoch.images_per_second
    return epoch.iterations * batch / speed if speed else epoch.seconds


def _prefix(recipe: Recipe) -> str:
    """What the names of the figures that choose the best weights begin with."""
    return "" if recipe.training.best_on == "evaluation" else f"{CALIBRATION_PEOPLE}/"


def _of_calibration_people(recipe: Recipe, best: Mapping[str, float] | None) -> Figures | None:
    return None if best is None or not _prefix(recipe) else _figures(best, _prefix(recipe))


def _figures(metrics: Mapping[str, float], of: str = "") -> Figures:
    return Figures(**{name: metrics[f"{of}{name}"] for name in FIGURES})
