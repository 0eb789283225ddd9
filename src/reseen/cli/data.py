"""`reseen data check` and `reseen data synth`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reseen.cli.console import StageBars, give, say
from reseen.cli.options import JsonOption

app = typer.Typer(help="Look at a dataset, or draw one.", no_args_is_help=True)


@app.command()
def check(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="Market-1501, a CSV or parquet manifest, or a folder per person.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Count what a dataset holds, read every file, and tell which queries would be skipped and why.

    Exit code 1 when a file is broken.

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
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is empty or does not exist yet.")],
    persons: Annotated[int, typer.Option(help="People to train on.")] = 64,
    test_persons: Annotated[int, typer.Option(help="Other people, in query and gallery.")] = 32,
    cameras: Annotated[int, typer.Option(help="Cameras that see everyone.")] = 4,
    images: Annotated[int, typer.Option(help="Images of each person from each camera.")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed draws the same images.")] = 0,
) -> None:
    """Draw people who do not exist, as several cameras see them, in Market-1501's layout.

    Example: reseen data synth people --persons 64 --cameras 4
    """
    from reseen.synthetic.dataset import synthesise
    from reseen.synthetic.plan import Plan

    plan = Plan(persons=persons, test_persons=test_persons, cameras=cameras, images_per_camera=images, seed=seed)
    with StageBars() as bars:
        manifest = synthesise(directory, plan, progress=lambda done, total: bars("drawing", done, total))
    say(f"{len(manifest.samples)} images in {directory}")
