from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from reseen.engines.engine import Device, EngineOptions
from reseen.engines.openvino import OpenVINOEngine
from reseen.errors import EngineError, UsageError
from reseen.exporting.openvino_files import to_fp32
from reseen.exporting.source import Source

RunLocked = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def model(small_source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("openvino")
    for name, content in to_fp32(small_source.onnx).items():
        (folder / name).write_bytes(content)
    return folder / "model.xml"


@pytest.mark.parametrize("batch", [1, 2, 7, 33])
def test_it_gives_the_network_s_features(small_source: Source, model: Path, batch: int) -> None:
    images = np.random.default_rng(batch).integers(0, 256, (batch, 64, 32, 3), dtype=np.uint8)
    wanted = small_source.run(images)
    images.flags.writeable = False
    np.testing.assert_allclose(OpenVINOEngine(model, EngineOptions()).run(images), wanted, atol=1e-6)


@pytest.mark.parametrize("name", ["model.onnx", "model_fp16.onnx"])
def test_it_reads_onnx_too(small_source: Source, small_bundle: Path, name: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 32, 3), dtype=np.uint8)
    found = OpenVINOEngine(small_bundle / name, EngineOptions()).run(images)
    np.testing.assert_allclose(found, small_source.run(images), atol=1e-6 if name == "model.onnx" else 1e-3)


def test_it_computes_in_float32_on_as_many_threads_as_it_may(model: Path) -> None:
    engine = OpenVINOEngine(model, EngineOptions(threads=1))
    assert str(engine._model.get_property("INFERENCE_PRECISION_HINT")) == "<Type: 'float32'>"
    assert engine._model.get_property("INFERENCE_NUM_THREADS") == 1


def test_many_threads_get_what_one_gets(model: Path) -> None:
    engine = OpenVINOEngine(model, EngineOptions())
    draw = np.random.default_rng(0)
    batches = [draw.integers(0, 256, (1 + place % 5, 64, 32, 3), dtype=np.uint8) for place in range(64)]
    alone = [engine.run(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(alone, pool.map(engine.run, batches), strict=True):
            np.testing.assert_array_equal(one, other)


def test_features_of_an_earlier_batch_stay(model: Path) -> None:
    engine = OpenVINOEngine(model, EngineOptions())
    black = engine.run(np.zeros((2, 64, 32, 3), dtype=np.uint8))
    before = black.copy()
    engine.run(np.full((2, 64, 32, 3), 255, dtype=np.uint8))
    np.testing.assert_array_equal(black, before)


@pytest.mark.parametrize(
    "images", [np.zeros((1, 32, 64, 3), dtype=np.uint8), np.zeros((1, 64, 32, 3), dtype=np.float32)]
)
def test_images_of_another_size_or_type_are_an_error_that_names_the_file(model: Path, images: np.ndarray) -> None:
    with pytest.raises(EngineError, match="failed") as error:
        inspect.unwrap(OpenVINOEngine.run)(OpenVINOEngine(model, EngineOptions()), images)
    assert str(model) in error.value.what


ENDING_IN_ORDER = """
import os, signal, sys
from pathlib import Path
from reseen.engines.engine import EngineOptions
from reseen.engines.openvino import OpenVINOEngine

first, second = (OpenVINOEngine(Path(sys.argv[1]), EngineOptions()) for _ in range(2))
del first
del second
signal.signal(signal.SIGINT, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGINT)
"""


def test_engines_that_end_in_the_order_they_began_leave_the_process_able_to_hear_signals(model: Path) -> None:
    command = [sys.executable, "-c", ENDING_IN_ORDER, str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "heard\n")


def test_a_file_that_is_no_model_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_bytes(b"not a model")
    with pytest.raises(EngineError, match="cannot be loaded"):
        OpenVINOEngine(path, EngineOptions())


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_another_device_is_refused(model: Path, device: Device) -> None:
    with pytest.raises(UsageError, match="OpenVINO runs on the CPU only"):
        OpenVINOEngine(model, EngineOptions(device=device))


def test_a_profile_tells_how_long_each_operator_took_in_all_runs(model: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    engine = OpenVINOEngine(model, EngineOptions(profile=profile))
    for _ in range(3):
        engine.run(np.zeros((8, 64, 32, 3), dtype=np.uint8))
    assert not profile.exists()
    engine.close()
    engine.close()
    operators = json.loads(profile.read_text())
    times = [each["milliseconds"] for each in operators]
    assert any("conv" in each["type"].lower() and each["runs"] == 3 for each in operators)
    assert times == sorted(times, reverse=True)
    assert sum(times) > 0


def test_it_reports_to_nobody(run_locked: RunLocked, model: Path, tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
import numpy as np
from reseen.engines.engine import EngineOptions
from reseen.engines.openvino import OpenVINOEngine

print(OpenVINOEngine(Path(sys.argv[1]), EngineOptions()).run(np.zeros((2, 64, 32, 3), np.uint8)).shape)
"""
    result = run_locked(program, model)
    assert (result.returncode, result.stdout) == (0, "(2, 16)\n"), result.stderr
    assert list((tmp_path / "home").iterdir()) == []
