"""What a training says to people, a line for each thing that is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reseen.errors import RunError
from reseen.scores.figures import in_words

if TYPE_CHECKING:
    from reseen.run_folder import Run
    from reseen.training.events import Event


def training_lines(event: Event, run: Run, name: str = "") -> list[str]:
    """The lines for what happened: of epochs and evaluations, none of single steps.

    Args:
        event: what happened.
        run: whose it is; its folder tells what was evaluated on.
        name: goes before each line, to tell runs apart.
    """
    from reseen.run_folder import CALIBRATION_PEOPLE
    from reseen.training.events import EpochDone, Evaluated

    match event:
        case EpochDone():
            loss = f"loss {event.losses['total']:.3f}"
            return [f"{name}epoch {event.epoch}: {loss}, {event.images_per_second:.0f} images/s"]
        case Evaluated():
            datasets = dict.fromkeys(metric.rpartition("/")[0] for metric in event.metrics if "/" in metric)
            lines = [f"epoch {event.epoch}, {each}: {in_words(event.metrics, f'{each}/')}" for each in datasets]
            of = "mean" if datasets.keys() - {CALIBRATION_PEOPLE} else _evaluated_elsewhere(run)
            best = " (best)" if event.is_best else ""
            lines.append(f"epoch {event.epoch}{of and f', {of}'}: {in_words(event.metrics)}{best}")
            return [name + line for line in lines]
        case _:
            return []


def done_line(run: Run) -> str:
    """What came out of a finished run."""
    result = run.result
    best = in_words({run.recipe.training.best: run.evaluations[-1].best})
    return f"done: {result.epochs} epochs, best {best} at epoch {result.best_epoch}"


def _evaluated_elsewhere(run: Run) -> str:
    """The one dataset evaluated on, where it is another than the one trained on."""
    try:
        environment = run.environment
    except RunError:
        return ""
    others = [name for name, root in environment.evaluation.items() if root != environment.dataset_root]
    return others[0] if len(others) == 1 else ""
