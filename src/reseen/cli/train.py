"""`reseen train`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from reseen.cli import arguments
from reseen.cli.console import StageBars, give, say
from reseen.cli.options import DataOption, DeviceOption, JsonOption, OverrideOption, RecipeOption, option
from reseen.cli.training import TrainArguments, carry_out, tell
from reseen.cli.training_lines import training_lines

if TYPE_CHECKING:
    from reseen.map_ahead import OnStage
    from reseen.run_folder import Run
    from reseen.training.events import Event, Listener


def train(
    config: RecipeOption,
    data: DataOption,
    output: Annotated[Path, option(arguments.RUN)],
    eval_data: Annotated[list[Path] | None, option(arguments.EVAL_DATA)] = None,
    override: OverrideOption = None,
    resume: Annotated[bool, option(arguments.RESUME)] = False,
    seeds: Annotated[int | None, option(arguments.SEEDS)] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Train a network from a recipe.

    To train on several GPUs, start it with torchrun: torchrun --nproc-per-node 2 -m reseen train …

    Several --data are trained on together, and each one with a query and a gallery is evaluated.

    With --seeds, the runs go to seed_0, seed_1, … in --output, and their figures to seeds.json.

    Example: reseen train -c osnet_x0_25 --data Market-1501-v15.09.15 --output runs/osnet -o training.epochs=60
    """
    asked = TrainArguments(config, data, output, override or (), eval_data or (), device, resume, seeds)
    with StageBars() as bars:
        done = carry_out(asked, partial(_shown, bars))
    tell(done, say, give, as_json=as_json)


def _shown(bars: StageBars, run: Run, name: str) -> tuple[Listener, OnStage]:
    """What shows how a run goes."""
    return show_training(bars, run, name), lambda stage, done, total: bars(f"{name}{stage}", done, total)


def show_training(bars: StageBars, run: Run, name: str = "") -> Listener:
    """A listener that shows the current epoch as a bar, and finished epochs and evaluations as lines.

    Args:
        bars: where the bar is.
        run: whose events it is told.
        name: goes before each of them, to tell runs apart.
    """
    from reseen.training.events import StepDone
    from reseen.training.run_log import eta

    def show(event: Event) -> None:
        if isinstance(event, StepDone):
            speed = f"{event.images_per_second:.0f} images/s"
            note = f"loss {event.losses['total']:.3f}, {speed}, {eta(event.eta_seconds)} left"
            bars(f"{name}epoch {event.epoch}/{event.epochs}", event.iteration, event.iterations, note)
        for line in training_lines(event, run, name):
            say(line)

    return show
