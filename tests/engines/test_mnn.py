from __future__ import annotations

import inspect
import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, current_thread

import numpy as np
import pytest

from reseen.engines.engine import Device, EngineOptions
from reseen.engines.mnn import MNNEngine
from reseen.errors import EngineError, UsageError
from reseen.exporting.mnn_files import to_fp32
from reseen.exporting.source import Source

RunLocked = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def model(small_source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mnn") / "model.mnn"
    (content,) = to_fp32(small_source.onnx).values()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("threads", [None, 1])
def test_it_gives_the_network_s_features_whatever_the_batch_before(
    small_source: Source, model: Path, threads: int | None
) -> None:
    engine = MNNEngine(model, EngineOptions(threads=threads))
    for batch in (1, 7, 2, 33, 1):
        images = np.random.default_rng(batch).integers(0, 256, (batch, 64, 32, 3), dtype=np.uint8)
        wanted = small_source.run(images)
        images.flags.writeable = False
        np.testing.assert_allclose(engine.run(images), wanted, atol=1e-6)


def test_images_may_lie_in_memory_as_they_like(small_source: Source, model: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 32, 3), dtype=np.uint8)[::2, :, ::-1]
    np.testing.assert_allclose(
        MNNEngine(model, EngineOptions()).run(images), small_source.run(images.copy()), atol=1e-6
    )


def test_many_threads_at_once_get_exactly_what_one_gets(model: Path) -> None:
    engine = MNNEngine(model, EngineOptions(threads=1))
    draw = np.random.default_rng(0)
    batches = [draw.integers(0, 256, (1 + place % 5, 64, 32, 3), dtype=np.uint8) for place in range(200)]
    alone = [engine.run(batch) for batch in batches]
    together = Barrier(8)
    with ThreadPoolExecutor(8, initializer=together.wait) as pool:
        for one, other in zip(alone, pool.map(engine.run, batches), strict=True):
            np.testing.assert_array_equal(one, other)


def test_every_thread_has_a_module_of_its_own(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, load = Counter[str](), MNNEngine._load

    def counted(engine: MNNEngine) -> tuple[object, object]:
        loaded[current_thread().name] += 1
        return load(engine)

    monkeypatch.setattr(MNNEngine, "_load", counted)
    engine, together = MNNEngine(model, EngineOptions(threads=1)), Barrier(3)

    def run(_: int) -> None:
        together.wait()
        engine.run(np.zeros((1, 64, 32, 3), dtype=np.uint8))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
        list(pool.map(run, range(3)))
    assert len(loaded) == 1 + 3
    assert set(loaded.values()) == {1}


def test_features_of_an_earlier_batch_stay(model: Path) -> None:
    engine = MNNEngine(model, EngineOptions())
    black = engine.run(np.zeros((2, 64, 32, 3), dtype=np.uint8))
    before = black.copy()
    engine.run(np.full((2, 64, 32, 3), 255, dtype=np.uint8))
    np.testing.assert_array_equal(black, before)


def test_numbers_of_another_type_are_an_error_that_names_the_file(model: Path) -> None:
    with pytest.raises(EngineError, match="failed") as error:
        inspect.unwrap(MNNEngine.run)(MNNEngine(model, EngineOptions()), np.zeros((1, 64, 32, 3), dtype=np.float32))
    assert str(model) in error.value.what


def test_images_of_another_size_are_an_error(model: Path) -> None:
    with pytest.raises(EngineError, match="failed") as error:
        MNNEngine(model, EngineOptions()).run(np.zeros((1, 128, 64, 3), dtype=np.uint8))
    assert "(1, 128, 64, 3)" in (error.value.got or "")


@pytest.mark.parametrize("content", [None, b"", b"not a model"])
def test_a_file_that_is_no_model_is_an_error_that_names_it(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.mnn"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EngineError, match="cannot be loaded"):
        MNNEngine(path, EngineOptions())


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_another_device_is_refused(model: Path, device: Device) -> None:
    with pytest.raises(UsageError, match="MNN runs on the CPU only"):
        MNNEngine(model, EngineOptions(device=device))


def test_a_profile_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot profile operators"):
        MNNEngine(model, EngineOptions(profile=tmp_path / "profile.json"))


def test_it_prints_nothing_and_reports_to_nobody(run_locked: RunLocked, model: Path, tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
import numpy as np
from reseen.engines.engine import EngineOptions
from reseen.engines.mnn import MNNEngine

print(MNNEngine(Path(sys.argv[1]), EngineOptions()).run(np.zeros((2, 64, 32, 3), np.uint8)).shape)
"""
    result = run_locked(program, model)
    assert (result.returncode, result.stdout) == (0, "(2, 16)\n"), result.stderr
    assert list((tmp_path / "home").iterdir()) == []
