"""The course of a run as pure functions: the learning rate at a point of it, and what its evaluations mean for it."""

from __future__ import annotations

import math
from dataclasses import replace

from reseen.recipe.schema import Cosine, EarlyStopping, Schedule
from reseen.training.checkpoint import TrainState


def learning_rate_factor(schedule: Schedule, epoch: int, epochs: int, step: int = 0, steps: int = 1) -> float:
    """What the recipe's learning rate is multiplied by.

    The warm-up grows linearly from `start_factor` at the start (PaddleClas's convention; the original code
    starts one step further on). Milestones are absolute. The cosine starts after the warm-up and reaches
    `end_factor` in the last epoch, or, where the rate changes per step, in the last step.

    Args:
        schedule: as in the recipe.
        epoch: 0-based.
        epochs: length of the run.
        step: of the epoch, 0-based; of no effect where the rate changes per epoch.
        steps: in the epoch.
    """
    now, last = (epoch + step / steps, epochs - 1 / steps) if schedule.per == "step" else (epoch, epochs - 1)
    warmup = schedule.warmup
    before = warmup.epochs if warmup is not None else 0
    if warmup is not None and now < before:
        return warmup.start_factor + (1 - warmup.start_factor) * now / before
    if isinstance(schedule, Cosine):
        progress = (now - before) / (last - before) if last > before else 0.0
        return schedule.end_factor + (1 - schedule.end_factor) * (1 + math.cos(math.pi * min(progress, 1))) / 2
    return math.prod((schedule.gamma for milestone in schedule.milestones if now >= milestone), start=1.0)


def judged(progress: TrainState, value: float, settings: EarlyStopping | None) -> TrainState:
    """The progress after an evaluation that gave `value` for the figure that chooses `best`."""
    if progress.best is None or value > progress.best:
        progress = replace(progress, best=value, best_epoch=progress.epoch)
    margin = 0.0 if settings is None else settings.min_delta
    if progress.mark is None or value > progress.mark + margin:
        return replace(progress, mark=value, stalled=0)
    return replace(progress, stalled=progress.stalled + 1)


def out_of_patience(progress: TrainState, settings: EarlyStopping | None) -> bool:
    """Whether the run ends because it no longer gets better."""
    return settings is not None and progress.stalled >= settings.patience
