from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from reseen.bench import case
from reseen.bench.case import FEWEST, Case, run_case
from reseen.engines.engine import EngineOptions
from reseen.engines.onnx_runtime import OnnxRuntimeEngine
from reseen.errors import UsageError


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_features_are_those_of_the_images_and_the_figures_agree_with_each_other(
    small_bundle: Path, batch_size: int
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 32, 3), dtype=np.uint8)

    features, figures = run_case(
        small_bundle / "model.onnx", Case("onnxruntime", "fp32", batch_size, threads=1), images, 0.0
    )

    expected = OnnxRuntimeEngine(small_bundle / "model.onnx", EngineOptions()).run(images)
    np.testing.assert_allclose(features, expected, atol=1e-6)
    assert 0 < figures.p50_ms <= figures.p99_ms
    assert figures.images_per_second >= batch_size / figures.p99_ms * 1e3 / FEWEST
    assert figures.cpu_ms_per_image > 0
    assert figures.peak_memory_mb > 20


def test_where_memory_cannot_be_measured_it_is_said(small_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case, "STATUS", Path("none"))
    monkeypatch.setitem(sys.modules, "resource", None)
    with pytest.raises(UsageError, match="memory of a process cannot be measured"):
        run_case(
            small_bundle / "model.onnx",
            Case("onnxruntime", "fp32", 1, threads=1),
            np.zeros((1, 64, 32, 3), dtype=np.uint8),
            0.0,
        )


def test_more_seconds_are_more_batches(small_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.zeros((1, 64, 32, 3), dtype=np.uint8)
    runs: list[int] = []
    run = OnnxRuntimeEngine.run

    def counted(engine: OnnxRuntimeEngine, batch: np.ndarray) -> np.ndarray:
        runs[-1] += 1
        return run(engine, batch)

    monkeypatch.setattr(OnnxRuntimeEngine, "run", counted)
    for seconds in (0.0, 0.5):
        runs.append(0)
        run_case(small_bundle / "model.onnx", Case("onnxruntime", "fp32", 1, 1), images, seconds)

    assert runs[0] < runs[1]
