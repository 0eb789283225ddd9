"""`reseen train`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.console import StageBars, give, say
from reseen.cli.options import DataOption, DeviceOption, JsonOption, OverrideOption, RecipeOption
from reseen.cli.processes import told_by_torchrun

if TYPE_CHECKING:
    from reseen.assess.extract import Progress
    from reseen.runs.plan import TrainingRun
    from reseen.training.events import Event, Listener


def train(
    config: RecipeOption,
    data: DataOption,
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Folder to write the run to.")],
    eval_data: Annotated[
        list[Path] | None,
        typer.Option("--eval-data", metavar="PATH", help="Evaluate on this dataset instead of --data. Repeatable."),
    ] = None,
    override: OverrideOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --output.")] = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", metavar="N", help="Train N runs with different seeds, and report mean ± standard deviation."
        ),
    ] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Train a network from a recipe.

    To train on several GPUs, start it with torchrun: torchrun --nproc-per-node 2 -m reseen train …

    Several --data are trained on together, and each one with a query and a gallery is evaluated.

    With --seeds, the runs go to seed_0, seed_1, … in --output, and their figures to seeds.json.

    Example: reseen train -c osnet_x0_25 --data Market-1501-v15.09.15 --output runs/osnet -o training.epochs=60
    """
    from reseen.datasets.merge import training_and_evaluation
    from reseen.datasets.open import open_datasets
    from reseen.recipe.load import load_recipe
    from reseen.runs.device import join_processes
    from reseen.runs.plan import TrainingRun

    recipe = load_recipe(config, override or ())
    manifest, evaluation = training_and_evaluation(
        open_datasets(data, "--data"), open_datasets(eval_data or (), "--eval-data"), recipe.data.hold_out
    )
    with join_processes(device, *told_by_torchrun()) as (processes, chosen):
        run = TrainingRun(recipe, manifest, output, chosen, resume, evaluation, processes)
        if seeds is None:
            _train_one(run, as_json)
        else:
            _train_several(run, seeds, as_json)


def _train_one(run: TrainingRun, as_json: bool) -> None:
    from reseen.runs.result import read_result
    from reseen.runs.train import train as run_training

    with StageBars() as bars:
        done = run_training(run, *_shown(run, bars))
    if run.processes.is_first:
        say(f"done: {done.epoch} epochs, best {run.recipe.training.best} {done.best:.5f} at epoch {done.best_epoch}")
        if as_json:
            give(asdict(read_result(run.output, done)))


def _train_several(run: TrainingRun, seeds: int, as_json: bool) -> None:
    from reseen.runs.seeds import train_seeds

    with StageBars() as bars:
        results = train_seeds(run, seeds, lambda seed: _shown(run, bars, f"seed {seed}, "))
    if results is not None:
        give(results.figures() if as_json else "\n".join(results.lines()))


def _shown(run: TrainingRun, bars: StageBars, name: str = "") -> tuple[Sequence[Listener], Progress | None]:
    """Who shows how a run goes: the first process alone."""
    if not run.processes.is_first:
        return (), None
    others = [each.name for each in run.evaluation if each.root != run.manifest.root]
    listener = show_training(bars, name, evaluated=others[0] if len(others) == 1 else None)
    return [listener], lambda stage, done, total: bars(f"{name}{stage}", done, total)


def show_training(bars: StageBars, name: str = "", evaluated: str | None = None) -> Listener:
    """A listener that shows the current epoch as a bar, and finished epochs and evaluations as lines.

    Args:
        bars: where the bar is.
        name: goes before each of them, to tell runs apart.
        evaluated: the one dataset evaluated on, where it is another than the one trained on.
    """
    from reseen.training.events import EpochDone, Evaluated, StepDone
    from reseen.training.run_log import eta

    def show(event: Event) -> None:
        match event:
            case StepDone():
                speed = f"{event.images_per_second:.0f} images/s"
                note = f"loss {event.losses['total']:.3f}, {speed}, {eta(event.eta_seconds)} left"
                bars(f"{name}epoch {event.epoch}/{event.epochs}", event.iteration, event.iterations, note)
            case EpochDone():
                speed = f"{event.images_per_second:.0f} images/s"
                say(f"{name}epoch {event.epoch}: loss {event.losses['total']:.3f}, {speed}")
            case Evaluated():
                datasets = dict.fromkeys(name.rpartition("/")[0] for name in event.metrics if "/" in name)
                for dataset in datasets:
                    say(f"{name}epoch {event.epoch}, {dataset}: {_figures(event.metrics, f'{dataset}/')}")
                of = "mean" if datasets.keys() - {"held_out"} else evaluated
                place = f"{name}epoch {event.epoch}{f', {of}' if of else ''}"
                say(f"{place}: {_figures(event.metrics)}{' (best)' if event.is_best else ''}")

    return show


def _figures(metrics: Mapping[str, float], dataset: str = "") -> str:
    return ", ".join(f"{name} {metrics[dataset + name]:.4f}" for name in ("recall1", "recall5", "mAP", "mINP"))
