from __future__ import annotations

from pathlib import Path

from reseen.engines.engine import Engine, EngineOptions
from reseen.engines.onnx_runtime import OnnxRuntimeEngine


def test_an_engine_chooses_for_itself_unless_it_is_told() -> None:
    assert EngineOptions() == EngineOptions(device="auto", threads=None, gpu_memory=None, profile=None)


def test_what_runs_and_closes_is_an_engine(small_bundle: Path) -> None:
    assert isinstance(OnnxRuntimeEngine(small_bundle / "model.onnx", EngineOptions()), Engine)
    assert not isinstance(object(), Engine)
