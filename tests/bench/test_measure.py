from __future__ import annotations

import multiprocessing
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reseen.bench.case import Case
from reseen.bench.measure import cases_of, drawn_people, engines_of, measure_cases
from reseen.bundle.bundle import open_bundle
from reseen.errors import BundleError
from reseen.images.preprocess import Preprocess


def test_cases_are_every_model_that_an_engine_runs_in_every_way(small_bundle: Path) -> None:
    cases = cases_of(open_bundle(small_bundle), ["onnxruntime"], ["fp32", "fp16", "int8"], [1, 8], [2])

    assert cases == [
        Case("onnxruntime", "fp32", 1, 2),
        Case("onnxruntime", "fp32", 8, 2),
        Case("onnxruntime", "fp16", 1, 2),
        Case("onnxruntime", "fp16", 8, 2),
    ]


def test_an_engine_without_a_model_is_refused(small_bundle: Path) -> None:
    with pytest.raises(BundleError, match="for mnn"):
        cases_of(open_bundle(small_bundle), ["onnxruntime", "mnn"], ["fp32"], [1], [1])


def test_engines_are_those_that_read_a_format_of_the_bundle(small_bundle: Path) -> None:
    assert engines_of(open_bundle(small_bundle), ["fp32"]) == ["onnxruntime", "openvino"]
    assert engines_of(open_bundle(small_bundle), ["int8"]) == []


def test_drawn_people_have_the_size_of_the_preprocessing_and_differ() -> None:
    images = drawn_people(Preprocess(height=64, width=32))

    assert images.shape[1:] == (64, 32, 3)
    assert len({image.tobytes() for image in images}) == len(images) >= 16


def test_each_case_is_measured_and_held_against_the_reference(small_bundle: Path) -> None:
    bundle = open_bundle(small_bundle)

    measured = list(measure_cases(bundle, [Case("onnxruntime", "fp16", 4, 1)], 0.0))

    (found,) = measured
    assert found.figures is not None
    assert found.cosine is not None
    assert 0.999 < found.cosine <= 1 + 1e-6
    assert found.file_bytes == (small_bundle / "model_fp16.onnx").stat().st_size
    assert found.reason is None


def test_without_fp32_the_most_exact_is_the_reference_and_without_a_model_for_it_there_is_no_cosine(
    small_bundle: Path,
) -> None:
    bundle = open_bundle(small_bundle)
    half = next(model for model in bundle.description.models if model.precision == "fp16")
    elsewhere = half.model_copy(update={"format": "openvino"})  # OpenVINO reads ONNX files under any name
    narrow, other = (
        replace(bundle, description=bundle.description.model_copy(update={"models": (model,)}))
        for model in (half, elsewhere)
    )

    (found,) = measure_cases(narrow, [Case("onnxruntime", "fp16", 1, 1)], 0.0)
    (alone,) = measure_cases(other, [Case("openvino", "fp16", 1, 1)], 0.0)

    assert found.cosine == pytest.approx(1, abs=1e-6)
    assert alone.figures is not None
    assert alone.cosine is None


def test_what_cannot_be_run_is_told_and_does_not_end_the_others(small_bundle: Path, tmp_path: Path) -> None:
    bundle = open_bundle(shutil.copytree(small_bundle, tmp_path / "bundle"))
    (bundle.folder / "model_fp16.onnx").write_bytes(b"changed since")

    broken, whole = measure_cases(bundle, [Case("onnxruntime", "fp16", 1, 1), Case("onnxruntime", "fp32", 1, 1)], 0.0)

    assert broken.figures is None
    assert "model_fp16.onnx cannot be loaded" in (broken.reason or "")
    assert whole.figures is not None


class Deadly(Case):
    """Ends the process that gets it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (3,)


def test_a_process_that_dies_is_told(small_bundle: Path) -> None:
    (found,) = measure_cases(open_bundle(small_bundle), [Deadly("onnxruntime", "fp16", 1, 1)], 0.0)

    assert found.figures is None
    assert "died while it ran" in (found.reason or "")
    assert multiprocessing.active_children() == []
