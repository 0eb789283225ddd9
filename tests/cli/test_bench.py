from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Reseen = Callable[..., Any]
WellTold = Callable[[Any], bool]

QUICK = ("--engine", "onnxruntime", "--threads", "1", "--seconds", "0")


def test_the_table_has_a_row_for_each_case(small_bundle: Path, reseen: Reseen) -> None:
    answer = reseen("bench", "--bundle", small_bundle, "--batch-size", "1,2", *QUICK)

    assert answer.code == 0
    head, *rows = answer.out.splitlines()
    assert head.split()[:4] == ["engine", "precision", "batch", "threads"]
    assert [row.split()[:4] for row in rows] == [
        ["onnxruntime", precision, size, "1"] for precision in ("fp32", "fp16") for size in "12"
    ]
    assert {len(line) for line in answer.out.splitlines()} == {len(head)}


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
