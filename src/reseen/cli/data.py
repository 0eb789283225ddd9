"""`reseen data check` and `reseen data synth`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reseen.cli.console import StageBars, give, say
from reseen.cli.options import JsonOption

app = typer.Typer(help="Inspect a dataset, or make a synthetic one.", no_args_is_help=True)


@app.command()
def check(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Market-1501, a CSV or parquet manifest, or one folder per person.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Count and decode a dataset's images, and list its problems.

    Also says which queries an evaluation would skip, and why. The exit code is 1 if a file is broken.

    Example: reseen data check Market-1501-v15.09.15
    """
    from reseen.datasets.check import check as check_dataset
    from reseen.datasets.open import open_dataset

    manifest = open_dataset(path)
    with StageBars() as bars:
        report = check_dataset(manifest, progress=lambda done, total: bars("reading", done, total))
    give(report.to_dict() if as_json else "\n".join(report.lines()))
    if report.broken:
        raise typer.Exit(1)


@app.command()
def synth(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new folder.")],
    persons: Annotated[int, typer.Option(help="People in the training part.")] = 64,
    test_persons: Annotated[int, typer.Option(help="Other people, in query and gallery.")] = 32,
    cameras: Annotated[int, typer.Option(help="Cameras; each sees everyone.")] = 4,
    images: Annotated[int, typer.Option(help="Images per person and camera.")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed gives the same images.")] = 0,
) -> None:
    """Make a dataset of drawn people, seen by several cameras.

    The people do not exist. The folder has Market-1501's layout.

    Example: reseen data synth people --persons 64 --cameras 4
    """
    from reseen.synthetic.dataset import synthesise
    from reseen.synthetic.plan import Plan

    plan = Plan(persons=persons, test_persons=test_persons, cameras=cameras, images_per_camera=images, seed=seed)
    with StageBars() as bars:
        manifest = synthesise(directory, plan, progress=lambda done, total: bars("drawing", done, total))
    say(f"{len(manifest.samples)} images in {directory}")
