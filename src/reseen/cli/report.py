"""`reseen report`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.console import StageBars, give, say
from reseen.cli.options import JsonOption, MemoryOption

Result = dict[str, "Mapping[str, float] | int"]

if TYPE_CHECKING:
    from reseen.assess.measurements import Measurements
    from reseen.reports.comparison import Comparison


def report(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder written by `reseen evaluate --output`, or a run with one in it."),
    ],
    against: Annotated[
        Path | None, typer.Option("--against", metavar="DIR", help="Compare with this evaluation of the same images.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE.html", help="Page to write. [default: report.html or comparison.html in DIR]"
        ),
    ] = None,
    memory: MemoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an HTML report of an evaluation, or compare two.

    The page shows the figures with confidence intervals, CMC, ROC and DET curves, camera pairs, ranked lists and the
    queries that were skipped. With --against: the differences with their intervals, and the queries that changed.

    Example: reseen report runs/osnet/evaluation --against runs/other/evaluation
    """
    from reseen.assess.stored import read_stored
    from reseen.evaluation.reranking import DEFAULT_MEMORY
    from reseen.reports.comparison import write_comparison
    from reseen.reports.page import write_report

    reported, allowed = read_stored(folder), memory or DEFAULT_MEMORY
    page = output or folder / ("report.html" if against is None else "comparison.html")
    with StageBars() as bars:
        if against is None:
            result = _measured(write_report(reported, page, memory=allowed, progress=bars))
        else:
            compared = write_comparison(read_stored(against), reported, page, memory=allowed, progress=bars)
            result = _compared(compared)
    say(f"look at {page}")
    give(result if as_json else "\n".join(f"{name}: {_in_words(value)}" for name, value in result.items()))


def _measured(measured: Measurements) -> Result:
    figures: Result = {}
    for name in ("recall1", "recall5", "recall10", "mAP", "mINP"):
        bounds = measured.intervals.get(name)
        around = {"low": bounds.low, "high": bounds.high} if bounds else {}
        figures[name] = {"value": getattr(measured.metrics, name), **around}
    return figures


def _compared(compared: Comparison) -> Result:
    figures: Result = {
        name: {"against": each.first, "value": each.second, "certain": each.certain}
        | ({} if each.interval is None else {"low": each.interval.low, "high": each.interval.high})
        for name, each in compared.differences.items()
    }
    return figures | {"now right": len(compared.gained), "no longer right": len(compared.lost)}


def _in_words(figure: Mapping[str, float] | int) -> str:
    """One figure, or the difference of two, for people to read."""
    if isinstance(figure, int):
        return f"{figure:,}"
    value = f"{figure['value'] * 100:.2f} %"
    if "against" not in figure:
        return f"{value} ({figure['low'] * 100:.2f} to {figure['high'] * 100:.2f})" if "low" in figure else value
    told = f"{value} against {figure['against'] * 100:.2f} %, {(figure['value'] - figure['against']) * 100:+.2f} points"
    if "low" not in figure:
        return told
    verdict = "" if figure["certain"] else ": not significant"
    return f"{told} ({figure['low'] * 100:+.2f} to {figure['high'] * 100:+.2f}{verdict})"
