"""The learning rate as a pure function of the epoch: nothing to save, nothing to restore."""

from __future__ import annotations

import math

from reseen.recipe.schema import Cosine, Schedule


def learning_rate_factor(schedule: Schedule, epoch: int, epochs: int) -> float:
    """What the recipe's learning rate is multiplied by during an epoch.

    The warm-up grows linearly from `start_factor` in the first epoch (PaddleClas's convention; the original code
    starts one step further on). Milestones are absolute. The cosine starts after the warm-up and reaches
    `end_factor` at the last epoch.

    Args:
        schedule: as in the recipe.
        epoch: 0-based.
        epochs: length of the run.
    """
    warmup = schedule.warmup
    before = warmup.epochs if warmup is not None else 0
    if warmup is not None and epoch < before:
        return warmup.start_factor + (1 - warmup.start_factor) * epoch / before
    if isinstance(schedule, Cosine):
        progress = (epoch - before) / max(epochs - 1 - before, 1)
        return schedule.end_factor + (1 - schedule.end_factor) * (1 + math.cos(math.pi * min(progress, 1))) / 2
    return math.prod((schedule.gamma for milestone in schedule.milestones if epoch >= milestone), start=1.0)
