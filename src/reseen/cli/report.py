"""`reseen report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.console import give, say
from reseen.cli.options import JsonOption

if TYPE_CHECKING:
    from reseen.workflows.report.comparison import Comparison
    from reseen.workflows.report.measurements import Measurements


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What `reseen evaluate --output` wrote, or a run's folder.")
    ],
    against: Annotated[
        Path | None, typer.Option("--against", metavar="DIR", help="Compare with this evaluation of the same images.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE.html", help="The page; default: report.html or comparison.html in DIR."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw report.html: figures with intervals, curves, thresholds, cameras, ranked lists, queries left out.

    With --against, compare two evaluations: which is better, how surely, and which queries changed.

    Example: reseen report runs/osnet/evaluation --against runs/other/evaluation
    """
    from reseen.workflows.report.comparison import write_comparison
    from reseen.workflows.report.page import write_report
    from reseen.workflows.report.stored import read_stored

    reported = read_stored(folder)
    if against is None:
        page = output or folder / "report.html"
        measured = write_report(reported, page)
        result = _measured(measured)
    else:
        page = output or folder / "comparison.html"
        result = _compared(write_comparison(read_stored(against), reported, page))
    say(f"look at {page}")
    give(result if as_json else "\n".join(f"{name}: {value}" for name, value in result.items()))


def _measured(measured: Measurements) -> dict[str, object]:
    figures = {name: getattr(measured.metrics, name) for name in ("recall1", "recall5", "recall10", "mAP", "mINP")}
    return {
        name: {"value": value, "low": bounds.low, "high": bounds.high} if bounds else {"value": value}
        for name, value in figures.items()
        for bounds in [measured.intervals.get(name)]
    }


def _compared(compared: Comparison) -> dict[str, object]:
    figures: dict[str, object] = {
        name: {"against": each.first, "value": each.second, "certain": each.certain}
        | ({} if each.interval is None else {"low": each.interval.low, "high": each.interval.high})
        for name, each in compared.differences.items()
    }
    return figures | {"now right": len(compared.gained), "no longer right": len(compared.lost)}
