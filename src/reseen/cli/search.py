"""`reseen search`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.broken import tell_broken
from reseen.cli.bundle_options import (
    BatchSizeOption,
    BundleOption,
    EngineDeviceOption,
    EngineOption,
    PrecisionOption,
    SkipBrokenOption,
    ThreadsOption,
)
from reseen.cli.console import StageBars, give, say, visible
from reseen.cli.options import JsonOption
from reseen.cli.terms import tell_terms

if TYPE_CHECKING:
    from reseen.retrieval.search import Search, Searched


def search(
    queries: Annotated[list[Path], typer.Argument(metavar="QUERY", help="Query images: the person to look for.")],
    folder: Annotated[
        Path, typer.Option("--in", metavar="FOLDER", help="Folder of images to search, subfolders included.")
    ],
    bundle: BundleOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE.html", help="Write the results to a page with pictures.")
    ] = None,
    people: Annotated[
        int | None,
        typer.Option(
            "--people", min=1, help="People in the folder, at most. [default: each image may be of another person]"
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            metavar="RATE",
            min=0,
            max=1,
            help="False-positive rate of the answer “same person”: searches for somebody not there. [default: 0.01]",
        ),
    ] = None,
    entries: Annotated[int, typer.Option("-k", min=1, max=1000, help="Results per query.")] = 10,
    engine: EngineOption = "onnxruntime",
    precision: PrecisionOption = None,
    device: EngineDeviceOption = "auto",
    batch_size: BatchSizeOption = 32,
    threads: ThreadsOption = None,
    skip_broken: SkipBrokenOption = False,
    as_json: JsonOption = False,
) -> None:
    """Rank a folder's images by similarity to each query.

    No database is needed: the folder is embedded each time. Crops should show one whole person each.

    Example: reseen search query.jpg --in crops --bundle bundle --output found.html
    """
    from reseen.engines.load import load
    from reseen.images.source import image_sources
    from reseen.reports.search_page import write_search_page
    from reseen.retrieval.search import search_folder

    wanted, gallery = image_sources(queries), image_sources(folder)
    with load(
        bundle,
        engine=engine,
        precision=None if precision is None else precision.value,
        batch_size=batch_size,
        device=device,
        threads=threads,
    ) as embedder:
        with StageBars() as bars:
            found = search_folder(
                embedder,
                wanted,
                gallery,
                entries,
                lambda done, total: bars("images", done, total),
                people=people,
                rate=rate,
            )
        if output is not None:
            write_search_page(output, found, str(folder), embedder, people)
            say(f"look at {output}")
    if embedder.calibration is None:
        say("no verdicts: this model has no calibration (run `reseen calibrate`)")
    else:
        counted = (
            "" if people else "; each image is counted as a different person, so these error rates are upper bounds"
        )
        say(f"verdicts are calibrated on {embedder.calibration.source.name}{counted}")
    tell_terms(embedder.bundle)
    give(_figures(found) if as_json else "\n".join(line for each in found.queries for line in _lines(each)))
    tell_broken(found.broken, len(gallery), skip=skip_broken)


def _figures(found: Search) -> dict[str, object]:
    return {
        "images": found.images,
        "queries": [
            {
                "query": each.query,
                "left_out": each.left_out,
                "people_assumed": each.people,
                "matches": [{"rank": rank, **asdict(match)} for rank, match in enumerate(each.matches, start=1)],
            }
            for each in found.queries
        ],
        "broken": found.broken,
    }


def _lines(searched: Searched) -> Iterator[str]:
    from reseen.reports.verdict_words import searched as in_words

    yield f"{visible(searched.query)}:"
    for name in searched.left_out:
        yield f"  left out, it is the query itself: {visible(name)}"
    for rank, match in enumerate(searched.matches, start=1):
        verdict = "" if match.verdict is None else f"  ({in_words(match.verdict)})"
        yield f"{rank:4}  {match.score:7.4f}  {visible(match.name or '')}{verdict}"
