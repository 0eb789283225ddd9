"""One measurement of one model by one engine, in a process of its own."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reseen.bundle.description import Precision
from reseen.engines.choose import open_engine
from reseen.engines.engine import EngineName, EngineOptions
from reseen.errors import UsageError
from reseen.shapes import Float32, UInt8

WARM_UP = 2
FEWEST = 5
STATUS = Path("/proc/self/status")
MOST = 10_000
"""Batches that are timed."""


@dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
        engine: that runs the model.
        precision: of the model.
        batch_size: images at a time.
        threads: of the processor.
    """

    engine: EngineName
    precision: Precision
    batch_size: int
    threads: int


@dataclass(frozen=True)
class Figures:
    """What was measured, on images in memory at the preprocess size.

    Attributes:
        images_per_second: over all batches.
        p50_ms: median time of a batch.
        p99_ms: 99 of 100 batches took no longer.
        cpu_ms_per_image: time of all threads together.
        peak_memory_mb: of the whole process, Python and the engine's library included.
    """

    images_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms_per_image: float
    peak_memory_mb: float


def run_case(
    path: Path, case: Case, images: UInt8[np.ndarray, "n h w 3"], seconds: float
) -> tuple[Float32[np.ndarray, "n d"], Figures]:
    """Features of the images, and how long batches of them take.

    Args:
        path: a model's file.
        case: how to run it.
        images: repeated or cut to fill a batch.
        seconds: to measure for; at least `FEWEST` batches are measured.

    Raises:
        UsageError: the engine is not installed.
        EngineError: it cannot run the model.
    """
    engine = open_engine(case.engine, path, EngineOptions(device="cpu", threads=case.threads))
    size = case.batch_size
    features = np.concatenate([engine.run(images[start : start + size]) for start in range(0, len(images), size)])
    batch = np.resize(images, (size, *images.shape[1:]))
    for _ in range(WARM_UP):
        engine.run(batch)
    times: list[float] = []
    cpu, start = time.process_time(), time.perf_counter()
    while len(times) < FEWEST or (time.perf_counter() - start < seconds and len(times) < MOST):
        before = time.perf_counter()
        engine.run(batch)
        times.append(time.perf_counter() - before)
    cpu = time.process_time() - cpu
    engine.close()
    done = len(times) * size
    p50, p99 = np.percentile(times, (50, 99)) * 1e3
    return features, Figures(done / sum(times), float(p50), float(p99), cpu / done * 1e3, _peak_memory() / 1e6)


def _peak_memory() -> int:
    """Bytes that this process had in memory at most.

    Raises:
        UsageError: the system is none of those that tell.
    """
    if STATUS.exists():  # Linux: the resource usage would count the process that started this one, too
        line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    try:
        import resource  # noqa: PLC0415  (Windows has none)
    except ImportError:
        raise UsageError(
            "the memory of a process cannot be measured here",
            expected="Linux or macOS",
            got=sys.platform,
            cure="run reseen bench on one of these; the other commands need it nowhere",
        ) from None
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024
