"""What `train` does behind both of its command lines: it calls `reseen.train`, and tells what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reseen.cli.processes import rank_info
from reseen.cli.training_lines import done_line

if TYPE_CHECKING:
    from reseen.map_ahead import OnStage
    from reseen.run_folder import Run
    from reseen.runs.seeds import SeedResults
    from reseen.training.events import Listener

    Show = Callable[[Run, str], tuple[Listener | None, OnStage | None]]
    """Given a run and what goes before its lines: what is called with its events and its progress."""


@dataclass(frozen=True)
class TrainArguments:
    """The command line of `train`; see `reseen.train`.

    Attributes:
        config: a recipe.
        data: datasets.
        output: a folder.
        override: changes of the recipe.
        eval_data: datasets.
        device: where to compute.
        resume: whether to continue.
        seeds: how many runs to compare; None for a single one.
    """

    config: str
    data: Sequence[Path]
    output: Path
    override: Sequence[str]
    eval_data: Sequence[Path]
    device: str
    resume: bool
    seeds: int | None


def carry_out(asked: TrainArguments, show: Show) -> Run | SeedResults | None:
    """Train; what came out, in the first of several processes."""
    from reseen.run_folder import Run
    from reseen.runs.seeds import train_seeds
    from reseen.runs.train import train

    ranks = rank_info()
    given: dict[str, Any] = {
        "overrides": asked.override,
        "eval_data": asked.eval_data,
        "device": asked.device,
        "resume": asked.resume,
        "ranks": ranks,
    }
    if asked.seeds is not None:
        given["watch"] = lambda seed, run: show(run, f"seed {seed}, ")
        return train_seeds(asked.config, asked.data, asked.output, asked.seeds, **given)
    on_event, on_progress = show(Run(asked.output), "")
    run = train(asked.config, asked.data, asked.output, **given, on_event=on_event, on_progress=on_progress)
    return run if ranks.rank == 0 else None


def tell(
    done: Run | SeedResults | None,
    say: Callable[[str], None],
    give: Callable[[str | Mapping[str, Any]], None],
    *,
    as_json: bool,
) -> None:
    """Say what came out, and give its figures: of several seeds always, of a single run as JSON where it is asked for.

    Args:
        done: as `carry_out` returns it.
        say: prints on stderr.
        give: prints on stdout.
        as_json: whether JSON is asked for.
    """
    from reseen.run_folder import Run

    if isinstance(done, Run):
        say(done_line(done))
        if as_json:
            give(asdict(done.result))
    elif done is not None:
        give(done.figures() if as_json else "\n".join(done.lines()))
