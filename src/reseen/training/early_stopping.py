"""What an evaluation's figure means for a run: whether it is the best one, and whether to go on."""

from __future__ import annotations

from dataclasses import replace

from reseen.recipe.schema import EarlyStopping
from reseen.training.checkpoint import Progress


def judged(progress: Progress, value: float, settings: EarlyStopping | None) -> Progress:
    """The progress after an evaluation that gave `value` for the figure that chooses `best`."""
    if progress.best is None or value > progress.best:
        progress = replace(progress, best=value, best_epoch=progress.epoch)
    margin = 0.0 if settings is None else settings.min_delta
    if progress.mark is None or value > progress.mark + margin:
        return replace(progress, mark=value, stalled=0)
    return replace(progress, stalled=progress.stalled + 1)


def out_of_patience(progress: Progress, settings: EarlyStopping | None) -> bool:
    """Whether the run ends because it no longer gets better."""
    return settings is not None and progress.stalled >= settings.patience
