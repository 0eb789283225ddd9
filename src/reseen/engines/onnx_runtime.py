"""ONNX Runtime, the default engine."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from reseen.engines.engine import EngineOptions
from reseen.errors import EngineError, UsageError
from reseen.files import write_whole
from reseen.shapes import Float32, UInt8

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
_ERRORS_ONLY = 3
_SPIN = "session.intra_op.spin_duration_us", "100"
"""Microseconds that a thread spins for work before it sleeps. By default it spins on, between two batches too, and
takes a third more of the processor's time (measured), which others then lack; those that never spin are woken too late
for small layers."""
MOST_PARALLEL_CALLS = 4
"""Calls at the same time. The threads of one call wait for each other at every layer, those of several do not."""


class OnnxRuntimeEngine:
    """A model in a session of ONNX Runtime, and in another for calls that share the processor.

    Args:
        path: an ONNX file.
        options: how to compute.

    Raises:
        UsageError: this build of ONNX Runtime has no such device.
        EngineError: the model cannot be loaded.
    """

    def __init__(self, path: Path, options: EngineOptions) -> None:
        self._path, self._profile = path, options.profile
        self._providers = _providers(options)
        self._traces = Path(tempfile.mkdtemp(prefix="reseen-")) if options.profile else None
        self._threads = options.threads or os.cpu_count() or 1
        splits = self._providers == [PROVIDERS["cpu"]] and self._traces is None
        self.parallel_calls = min(self._threads, MOST_PARALLEL_CALLS) if splits else 1
        self._session = self._open(options.threads)
        self._sharing: onnxruntime.InferenceSession | None = None
        self._opening = threading.Lock()

    def run(self, images: UInt8[np.ndarray, "n h w 3"], *, shared: bool = False) -> Float32[np.ndarray, "n d"]:
        """See `Engine.run`."""
        session = self._sharing_session() if shared and self.parallel_calls > 1 else self._session
        try:
            (features,) = session.run(None, {"images": images})
        except Exception as error:
            raise self._failed("failed", error) from error
        return np.asarray(features)

    def close(self) -> None:
        """See `Engine.close`."""
        if self._traces is not None and self._profile is not None:
            write_whole(self._profile, Path(self._session.end_profiling()).read_bytes())
            shutil.rmtree(self._traces)
            self._traces = None

    def _sharing_session(self) -> onnxruntime.InferenceSession:
        """One whose calls take their share of the threads each; opened when needed, for it holds the weights again."""
        with self._opening:
            if self._sharing is None:
                self._sharing = self._open(self._threads // self.parallel_calls)
            return self._sharing

    def _open(self, threads: int | None) -> onnxruntime.InferenceSession:
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = _ERRORS_ONLY
        settings.add_session_config_entry(*_SPIN)
        if threads is not None:
            settings.intra_op_num_threads = threads
        if self._traces is not None:
            settings.enable_profiling = True
            settings.profile_file_prefix = str(self._traces / "profile")
        try:
            return onnxruntime.InferenceSession(self._path, settings, providers=self._providers)
        except Exception as error:  # the library raises its own kinds, which share no base
            raise self._failed("cannot be loaded", error) from error

    def _failed(self, what: str, error: Exception) -> EngineError:
        return EngineError(
            f"{self._path} {what}",
            expected=f"a model that ONNX Runtime {onnxruntime.__version__} runs",
            got=str(error)[:500],
            cure="export it again, or update onnxruntime",
        )


def _providers(options: EngineOptions) -> list[Any]:
    """The execution providers to try, the best first; the processor is always the last."""
    available = [name for name, provider in PROVIDERS.items() if provider in onnxruntime.get_available_providers()]
    # TensorRT builds an engine for minutes, so that it is only taken by name.
    device = ("cuda" if "cuda" in available else "cpu") if options.device == "auto" else options.device
    if device not in available:
        raise UsageError(
            f"ONNX Runtime cannot use the device {device} here",
            expected=", ".join(["auto", *available]),
            got=device,
            cure="install onnxruntime-gpu instead of onnxruntime, with the CUDA libraries that it needs",
        )
    if device == "cpu":
        return [PROVIDERS["cpu"]]
    limit = {} if options.gpu_memory is None else {"gpu_mem_limit": int(options.gpu_memory * 2**30)}
    accelerated = [(PROVIDERS["cuda"], limit), PROVIDERS["cpu"]]
    return [PROVIDERS["tensorrt"], *accelerated] if device == "tensorrt" else accelerated
