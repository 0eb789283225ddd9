from __future__ import annotations

import inspect
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from reseen.engines.engine import Device, EngineOptions
from reseen.engines.onnx_runtime import OnnxRuntimeEngine
from reseen.errors import EngineError, UsageError


@pytest.fixture
def model(small_bundle: Path) -> Path:
    return small_bundle / "model.onnx"


def test_features_are_of_unit_norm_and_do_not_depend_on_the_batch(model: Path) -> None:
    engine = OnnxRuntimeEngine(model, EngineOptions())
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 32, 3), dtype=np.uint8)

    together = engine.run(images)
    alone = np.concatenate([engine.run(images[[place]]) for place in range(5)])

    assert together.shape == (5, 16)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(alone, together, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 32, 64, 3), (1, 64, 32, 4)])
def test_images_of_another_size_are_an_error_that_names_the_file(model: Path, shape: tuple[int, ...]) -> None:
    engine = OnnxRuntimeEngine(model, EngineOptions())

    with pytest.raises(EngineError, match="failed") as error:
        inspect.unwrap(OnnxRuntimeEngine.run)(engine, np.zeros(shape, dtype=np.uint8))
    assert str(model) in error.value.what


def test_numbers_of_another_type_are_an_error(model: Path) -> None:
    with pytest.raises(EngineError, match="failed"):
        inspect.unwrap(OnnxRuntimeEngine.run)(
            OnnxRuntimeEngine(model, EngineOptions()), np.zeros((1, 64, 32, 3), dtype=np.float32)
        )


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08"])
def test_a_file_that_is_no_model_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)

    with pytest.raises(EngineError, match="cannot be loaded"):
        OnnxRuntimeEngine(path, EngineOptions())


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_a_device_that_this_build_lacks_is_refused(
    model: Path, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])

    with pytest.raises(UsageError, match=f"cannot use the device {device} here") as error:
        OnnxRuntimeEngine(model, EngineOptions(device=device))
    assert error.value.expected == "auto, cpu"


def test_a_profile_is_written_on_closing_and_nothing_else_is_left(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, profile = tmp_path / "scratch", tmp_path / "profile.json"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    engine = OnnxRuntimeEngine(model, EngineOptions(profile=profile))
    engine.run(np.zeros((1, 64, 32, 3), dtype=np.uint8))
    assert not profile.exists()

    engine.close()
    engine.close()

    events = json.loads(profile.read_text(encoding="utf-8"))
    assert any(event.get("cat") == "Node" for event in events)
    assert list(scratch.iterdir()) == []


def test_threads_do_not_change_the_features(model: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (3, 64, 32, 3), dtype=np.uint8)
    one, two = (OnnxRuntimeEngine(model, EngineOptions(threads=threads)).run(images) for threads in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.parametrize(("threads", "parallel_calls"), [(1, 1), (2, 2), (3, 3), (9, 4)])
def test_calls_that_share_the_threads_get_the_same_features(model: Path, threads: int, parallel_calls: int) -> None:
    engine = OnnxRuntimeEngine(model, EngineOptions(threads=threads))
    images = np.random.default_rng(2).integers(0, 256, (6, 64, 32, 3), dtype=np.uint8)

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda place: engine.run(images[[place]], shared=True), range(6)))

    assert engine.parallel_calls == parallel_calls
    np.testing.assert_allclose(np.concatenate(found), engine.run(images), atol=1e-6)


def test_what_is_profiled_runs_in_one_lane(model: Path, tmp_path: Path) -> None:
    engine = OnnxRuntimeEngine(model, EngineOptions(threads=4, profile=tmp_path / "profile.json"))

    assert engine.parallel_calls == 1
    engine.run(np.zeros((1, 64, 32, 3), dtype=np.uint8), shared=True)
    engine.close()
    assert '"Node"' in (tmp_path / "profile.json").read_text(encoding="utf-8")
