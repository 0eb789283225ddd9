"""OpenVINO, the fastest on Intel's processors."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from reseen.engines.engine import EngineOptions
from reseen.engines.processor import require_processor
from reseen.engines.telemetry import reporter_missing
from reseen.errors import EngineError
from reseen.files import write_whole
from reseen.shapes import Float32, UInt8

with reporter_missing():
    import openvino


@dataclass
class _Spent:
    """What one operator took in all runs."""

    calls: int = 0
    seconds: float = 0.0


class OpenVINOEngine:
    """A model that OpenVINO has compiled for the processor.

    Every thread has an infer request of its own; OpenVINO runs them one after another, each on all cores.

    Args:
        path: an `.xml` file of OpenVINO with its `.bin` beside it, or an ONNX file.
        options: how to compute.

    Raises:
        UsageError: another device than the processor is asked for.
        EngineError: the model cannot be loaded.
    """

    parallel_calls = 1

    def __init__(self, path: Path, options: EngineOptions) -> None:
        require_processor("OpenVINO", options)
        self._path, self._profile = path, options.profile
        self._spent: defaultdict[tuple[str, str], _Spent] = defaultdict(_Spent)
        self._lock = threading.Lock()
        self._own = threading.local()
        try:
            self._model = _core().compile_model(path, "CPU", _settings(options))
            self._taken = tuple(side.get_length() for side in list(self._model.input(0).partial_shape)[1:])
        except Exception as error:  # the library says no more than RuntimeError, and that not always
            raise self._failed("cannot be loaded", error) from error

    def run(self, images: UInt8[np.ndarray, "n h w 3"], *, shared: bool = False) -> Float32[np.ndarray, "n d"]:
        """See `Engine.run`."""
        try:
            if images.dtype != np.uint8 or images.shape[1:] != self._taken:  # it would convert 0.5 to 0
                raise TypeError(f"images of {images.dtype} and shape {images.shape}")
            if not hasattr(self._own, "request"):
                self._own.request = self._model.create_infer_request()
            features = self._own.request.infer([images], share_inputs=True)[0]
        except Exception as error:
            raise self._failed("failed", error) from error
        if self._profile is not None:
            self._add_times(self._own.request)
        return np.asarray(features)

    def close(self) -> None:
        """See `Engine.close`. The profile lists operators, the slowest first, with the milliseconds of all runs."""
        if self._profile is not None:
            slowest = sorted(self._spent.items(), key=lambda each: -each[1].seconds)
            times = [
                {"name": name, "type": kind, "runs": spent.calls, "milliseconds": round(1000 * spent.seconds, 3)}
                for (name, kind), spent in slowest
            ]
            write_whole(self._profile, json.dumps(times, indent=1) + "\n")
            self._profile = None

    def _add_times(self, request: openvino.InferRequest) -> None:
        with self._lock:
            for operator in request.profiling_info:
                if operator.status == openvino.ProfilingInfo.Status.EXECUTED:
                    spent = self._spent[operator.node_name, operator.exec_type]
                    spent.calls += 1
                    spent.seconds += operator.real_time.total_seconds()

    def _failed(self, what: str, error: Exception) -> EngineError:
        return EngineError(
            f"{self._path} {what}",
            expected=f"a model that OpenVINO {openvino.__version__} runs",
            got=str(error)[:500],
            cure="export it again, or update openvino",
        )


@cache
def _core() -> openvino.Core:
    """The one of this process, which stays.

    Each keeps a stack for signals, and of two that end in the order in which they began, the second gives back the
    first one's, which is gone: the next signal then ends the process (seen in OpenVINO 2026.4).
    """
    return openvino.Core()


def _settings(options: EngineOptions) -> dict[str, object]:
    settings: dict[str, object] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # newer processors would compute in bfloat16
        "ENABLE_CPU_PINNING": False,  # several processes would all be pinned to the same cores
        "PERF_COUNT": options.profile is not None,
    }
    return settings if options.threads is None else settings | {"INFERENCE_NUM_THREADS": options.threads}
