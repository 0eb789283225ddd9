"""MNN, for phones and boards."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from reseen.engines.engine import EngineOptions
from reseen.engines.processor import require_processor
from reseen.engines.silence import silent_stdout
from reseen.errors import EngineError, UsageError
from reseen.shapes import Float32, UInt8

with silent_stdout():  # it tells of the processor
    import MNN


class MNNEngine:
    """A model that MNN runs on the processor.

    MNN's manual asks for a module for each thread, so every thread that calls loads one of its own. What two threads
    that share one would get was not reproduced here: 600 shared runs in eight threads gave the right features.

    Args:
        path: a file of MNN.
        options: how to compute.

    Raises:
        UsageError: another device than the processor, or a profile, is asked for.
        EngineError: the model cannot be loaded.
    """

    parallel_calls = 1

    def __init__(self, path: Path, options: EngineOptions) -> None:
        require_processor("MNN", options)
        if options.profile is not None:
            raise UsageError(
                "MNN cannot profile operators",
                expected="no --profile",
                got=str(options.profile),
                cure="leave it out, or choose another engine",
            )
        self._path = path
        self._threads = options.threads or os.cpu_count() or 1
        self._own = threading.local()
        self._module()
        self._taken = self._input_shape()

    def run(self, images: UInt8[np.ndarray, "n h w 3"], *, shared: bool = False) -> Float32[np.ndarray, "n d"]:
        """See `Engine.run`."""
        module = self._module()
        try:
            if images.dtype != np.uint8 or images.shape[1:] != self._taken:  # MNN itself does not notice
                raise TypeError(f"images of {images.dtype} and shape {images.shape}")
            # NCHW stands for "as they are"; as NHWC they would be turned round.
            given = MNN.expr.const(np.ascontiguousarray(images), list(images.shape), MNN.expr.NCHW, MNN.expr.uint8)
            (features,) = module.forward([given])
            return np.array(features.read())
        except Exception as error:  # SystemError, of all
            raise self._failed("failed", error) from error

    def close(self) -> None:
        """See `Engine.close`."""
        self._own = threading.local()

    def _module(self) -> Any:
        """The calling thread's module."""
        if not hasattr(self._own, "module"):
            self._own.manager, self._own.module = self._load()
        return self._own.module

    def _input_shape(self) -> tuple[int, ...]:
        """(h, w, 3) of the images that the model was made for."""
        with silent_stdout():
            images = MNN.expr.load_as_dict(str(self._path))["images"]
        return tuple(images.shape[1:])

    def _load(self) -> tuple[Any, Any]:
        """A runtime manager and a module that lives as long as it does."""
        settings = {"backend": "CPU", "numThread": self._threads, "precision": "high"}
        try:
            with silent_stdout():
                manager = MNN.nn.create_runtime_manager((settings,))
                module = MNN.nn.load_module_from_file(
                    str(self._path), ["images"], ["features"], runtime_manager=manager
                )
        except Exception as error:
            raise self._failed("cannot be loaded", error) from error
        return manager, module

    def _failed(self, what: str, error: Exception) -> EngineError:
        return EngineError(
            f"{self._path} {what}",
            expected=f"a model that MNN {MNN.version()} runs",
            got=str(error)[:500],
            cure="export it again, or update MNN",
        )
