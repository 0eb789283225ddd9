"""`reseen train`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.console import StageBars, say
from reseen.cli.options import DataOption, DeviceOption, OverrideOption, RecipeOption
from reseen.cli.processes import launched

if TYPE_CHECKING:
    from reseen.training.events import Event, Listener


def train(
    config: RecipeOption,
    data: DataOption,
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="The run's folder.")],
    eval_data: Annotated[
        list[Path] | None,
        typer.Option("--eval-data", metavar="PATH", help="Evaluate on this dataset instead of --data; repeatable."),
    ] = None,
    override: OverrideOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run that is in --output.")] = False,
    device: DeviceOption = "auto",
) -> None:
    """Train a network as a recipe says.

    Several processes train together when torchrun starts them: torchrun --nproc-per-node 2 -m reseen train …
    With several --data the persons of all are trained on, and each dataset that has query and gallery is evaluated.

    Example: reseen train -c osnet_x0_25 --data Market-1501-v15.09.15 --output runs/osnet -o training.epochs=60
    """
    from reseen.datasets.merge import training_and_evaluation
    from reseen.datasets.open import open_datasets
    from reseen.recipe.load import load_recipe
    from reseen.workflows.run_plan import TrainingRun
    from reseen.workflows.train import train as run_training

    recipe = load_recipe(config, override or ())
    manifest, evaluation = training_and_evaluation(
        open_datasets(data, "--data"), open_datasets(eval_data or (), "--eval-data"), recipe.data.hold_out
    )
    with launched(device) as (processes, chosen), StageBars() as bars:
        run = TrainingRun(recipe, manifest, output, chosen, resume, evaluation, processes)
        if not processes.is_first:
            run_training(run)
            return
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
                datasets = dict.fromkeys(name.rpartition("/")[0] for name in event.metrics if "/" in name)
                for dataset in datasets:
                    say(f"epoch {event.epoch}, {dataset}: {_figures(event.metrics, f'{dataset}/')}")
                mean = ", mean" if datasets else ""
                say(f"epoch {event.epoch}{mean}: {_figures(event.metrics)}{' (best)' if event.is_best else ''}")

    return show


def _figures(metrics: Mapping[str, float], dataset: str = "") -> str:
    return ", ".join(f"{name} {metrics[dataset + name]:.4f}" for name in ("recall1", "recall5", "mAP", "mINP"))
