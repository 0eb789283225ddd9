"""`reseen train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.console import StageBars, say
from reseen.cli.options import DataOption, DeviceOption, OverrideOption, RecipeOption

if TYPE_CHECKING:
    from reseen.training.events import Event, Listener


def train(
    config: RecipeOption,
    data: DataOption,
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="The run's folder.")],
    override: OverrideOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run that is in --output.")] = False,
    device: DeviceOption = "auto",
) -> None:
    """Train a network as a recipe says.

    Example: reseen train -c osnet_x0_25 --data Market-1501-v15.09.15 --output runs/osnet -o training.epochs=60
    """
    from reseen.datasets.open import open_dataset
    from reseen.recipe.load import load_recipe
    from reseen.workflows.device import choose_device
    from reseen.workflows.train import TrainingRun
    from reseen.workflows.train import train as run_training

    recipe = load_recipe(config, override or ())
    run = TrainingRun(recipe, open_dataset(data), output, choose_device(device), resume)
    with StageBars() as bars:
        done = run_training(run, [show_training(bars)], bars)
    say(f"done: {done.epoch} epochs, best {recipe.training.best} {done.best:.5f} at epoch {done.best_epoch}")


def show_training(bars: StageBars) -> Listener:
    """A listener that shows the current epoch as a bar, and finished epochs and evaluations as lines."""
    from reseen.training.events import EpochDone, Evaluated, StepDone
    from reseen.training.run_log import eta

    def show(event: Event) -> None:
        match event:
            case StepDone():
                speed = f"{event.images_per_second:.0f} images/s"
                note = f"loss {event.losses['total']:.3f}, {speed}, {eta(event.eta_seconds)} left"
                bars(f"epoch {event.epoch}/{event.epochs}", event.iteration, event.iterations, note)
            case EpochDone():
                say(f"epoch {event.epoch}: loss {event.losses['total']:.3f}, {event.images_per_second:.0f} images/s")
            case Evaluated():
                figures = ", ".join(
                    f"{name} {event.metrics[name]:.4f}" for name in ("recall1", "recall5", "mAP", "mINP")
                )
                say(f"epoch {event.epoch}: {figures}{' (best)' if event.is_best else ''}")

    return show
