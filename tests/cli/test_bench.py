from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reseen.bench.case import Case, Figures
from reseen.bench.measure import Measured
from reseen.cli.bench import short, table
from reseen.engines.choose import ENGINES

Reseen = Callable[..., Any]
WellTold = Callable[[Any], bool]

QUICK = ("--engine", "onnxruntime", "--threads", "1", "--seconds", "0")


def test_the_table_has_a_row_for_each_case(small_bundle: Path, reseen: Reseen) -> None:
    answer = reseen("bench", "--bundle", small_bundle, "--batch-size", "1,2", *QUICK)

    assert answer.code == 0
    head, units, *rows = answer.out.splitlines()
    assert head.split()[:5] == ["engine", "type", "batch", "threads", "images"]
    assert units.split() == ["/s", "ms", "ms", "/image", "MB", "MB"]
    assert [row.split()[:4] for row in rows] == [
        ["onnxruntime", precision, size, "1"] for precision in ("fp32", "fp16") for size in "12"
    ]
    assert {len(line) for line in answer.out.splitlines()} == {len(head)}


def test_the_widest_table_fits_a_terminal_of_80_columns() -> None:
    figures = Figures(
        images_per_second=12345.6, p50_ms=9876.54, p99_ms=12345.6, cpu_ms_per_image=1234.5, peak_memory_mb=123456.7
    )
    measured = [Measured(Case(engine, "fp32", 4096, 4096), figures, 123_456_789, -0.123456789) for engine in ENGINES]

    lines = table(measured)

    assert {len(line) for line in lines} == {len(lines[0])}
    assert len(lines[0]) <= 80


@pytest.mark.parametrize(
    ("number", "text"), [(0.756, "0.76"), (9.99, "9.99"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12346")]
)
def test_numbers_are_short(number: float, text: str) -> None:
    assert short(number) == text


def test_json_holds_every_figure(small_bundle: Path, reseen_process: Reseen) -> None:
    answer = reseen_process(
        "bench", "--bundle", small_bundle, "--batch-size", "2", "--precision", "fp16", *QUICK, "--json"
    )

    assert answer.code == 0, answer.err
    (case,) = json.loads(answer.out)["cases"]
    assert case.pop("reason") is None
    assert case.keys() == {
        *("engine", "precision", "batch_size", "threads", "images_per_second", "p50_ms", "p99_ms"),
        *("cpu_ms_per_image", "peak_memory_mb", "file_bytes", "cosine"),
    }
    assert case["precision"] == "fp16"
    assert case["cosine"] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "options",
    [
        ["--batch-size", "0"],
        ["--batch-size", "1,x"],
        ["--threads", "1,,2"],
        ["--batch-size", "5000"],
        ["--engine", "tflite"],
        ["--engine", "mnn"],
        ["--engine", "onnxruntime", "--precision", "int8"],
    ],
)
def test_what_cannot_be_measured_ends_with_2(
    options: list[str], small_bundle: Path, reseen: Reseen, well_told: WellTold
) -> None:
    answer = reseen("bench", "--bundle", small_bundle, *options)

    assert answer.code == 2
    assert well_told(answer)
