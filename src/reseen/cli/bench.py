"""`reseen bench`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.bundle_options import BundleOption, Precision
from reseen.cli.console import StageBars, give, say
from reseen.cli.options import JsonOption
from reseen.errors import UsageError

if TYPE_CHECKING:
    from reseen.bench.case import Figures
    from reseen.bench.measure import Measured

COLUMNS = (
    ("engine", ""),
    ("type", ""),
    ("batch", ""),
    ("threads", ""),
    ("images", "/s"),
    ("p50", "ms"),
    ("p99", "ms"),
    ("CPU ms", "/image"),
    ("memory", "MB"),
    ("file", "MB"),
    ("cosine", ""),
)
"""Two lines of headings, so that a table fits a terminal of 80 columns."""
LARGEST = 4096
"""Batch size, and number of threads."""


def bench(
    bundle: BundleOption = None,
    engine: Annotated[
        list[str] | None,
        typer.Option("--engine", help="Inference engine. Repeatable. [default: all that are installed]"),
    ] = None,
    precision: Annotated[
        list[Precision] | None, typer.Option("--precision", help="Repeatable. [default: all that the bundle has]")
    ] = None,
    batch_size: Annotated[
        str, typer.Option("--batch-size", metavar="N,N", help="Batch sizes, separated by commas.")
    ] = "1,8,32",
    threads: Annotated[
        str | None,
        typer.Option("--threads", metavar="N,N", help="CPU threads, separated by commas. [default: all cores]"),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0.0, max=600.0, help="Time to measure each case.")] = 2.0,
    as_json: JsonOption = False,
) -> None:
    """Measure the speed of a bundle's models on this machine.

    Each case runs in its own process, on images in memory: decoding is not measured. The last column is the lowest
    cosine similarity to the features of the most precise model in ONNX Runtime.

    Example: reseen bench --bundle bundle --engine onnxruntime --batch-size 1,32 --threads 1,2
    """
    from reseen.bench.measure import cases_of, engines_of, measure_cases
    from reseen.bundle.bundle import open_bundle
    from reseen.bundle.shipped import bundle_folder
    from reseen.engines.choose import PRECISIONS, engine_named

    opened = open_bundle(bundle_folder(bundle))
    batch_sizes = _numbers("--batch-size", batch_size)
    counts = [os.cpu_count() or 1] if threads is None else _numbers("--threads", threads)
    precisions = [kind for kind in PRECISIONS if not precision or kind in precision]
    engines = [engine_named(name) for name in engine] if engine else engines_of(opened, precisions)
    cases = cases_of(opened, engines, precisions, batch_sizes, counts)
    measured: list[Measured] = []
    with StageBars() as bars:
        bars("cases", 0, len(cases))
        for each in measure_cases(opened, cases, seconds):
            measured.append(each)
            bars("cases", len(measured), len(cases))
    reasons = dict.fromkeys(f"{each.case.engine}: {each.reason}" for each in measured if each.reason)
    for reason in reasons:
        say(reason)
    if not any(each.figures for each in measured):
        raise UsageError(
            "nothing could be measured",
            expected="an engine that runs here",
            got="; ".join(reasons),
            cure="install one, or export a model for another",
        )
    give({"cases": [_figures(each) for each in measured]} if as_json else "\n".join(table(measured)))


def _numbers(option: str, text: str) -> list[int]:
    """The numbers that stand in an option, each once."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = [0]
    if not all(1 <= number <= LARGEST for number in numbers):
        raise UsageError(
            f"{option} cannot be {text!r}",
            expected=f"whole numbers from 1 to {LARGEST}, with commas between them",
            got=text,
            cure=f"write them as {option} 1,8",
        )
    return list(dict.fromkeys(numbers))


def _figures(measured: Measured) -> dict[str, object]:
    figures = {} if measured.figures is None else asdict(measured.figures)
    return {
        **asdict(measured.case),
        **figures,
        "file_bytes": measured.file_bytes,
        "cosine": measured.cosine,
        "reason": measured.reason,
    }


def table(measured: Sequence[Measured]) -> list[str]:
    """What was measured, in aligned columns, the first two to the left; at most 80 characters wide."""
    rows = [*zip(*COLUMNS, strict=True), *(_row(each, each.figures) for each in measured if each.figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        " ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _row(measured: Measured, figures: Figures) -> tuple[str, ...]:
    case = measured.case
    numbers = (figures.images_per_second, figures.p50_ms, figures.p99_ms, figures.cpu_ms_per_image)
    return (
        case.engine,
        case.precision,
        str(case.batch_size),
        str(case.threads),
        *map(short, numbers),
        f"{figures.peak_memory_mb:.0f}",
        short(measured.file_bytes / 1e6),
        "–" if measured.cosine is None else f"{measured.cosine:.6f}",
    )


def short(number: float) -> str:
    """Three digits, or as many as stand before the point."""
    return f"{number:.{0 if number >= 100 else 1 if number >= 10 else 2}f}"
