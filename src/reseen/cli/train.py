"""`reseen train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reseen.cli.console import StageBars, stderr
from reseen.cli.options import DataOption, DeviceOption, OverrideOption, RecipeOption, choose_device


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
    from reseen.training.events import Evaluated, Event, Saved, StepDone
    from reseen.training.run_log import describe_step
    from reseen.workflows.train import TrainingRun
    from reseen.workflows.train import train as run_training

    recipe = load_recipe(config, override or ())
    run = TrainingRun(recipe, open_dataset(data), output, choose_device(device), resume)
    with StageBars() as bars:

        def show(event: Event) -> None:
            match event:
                case StepDone():
                    bars("training", event.iteration, event.iterations)
                    bars.note("training", describe_step(event))
                case Evaluated():
                    figures = ", ".join(f"{name} {value:.5g}" for name, value in event.metrics.items())
                    stderr.print(f"epoch {event.epoch}: {figures}{' (best)' if event.is_best else ''}")
                case Saved(name="best"):
                    stderr.print(f"saved {event.path}")

        done = run_training(run, [show], bars)
    stderr.print(f"done: {done.epoch} epochs, best {recipe.training.best} {done.best:.5f} at epoch {done.best_epoch}")
