"""`Engine`: what runs one model of a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from reseen.shapes import Float32, UInt8

EngineName = Literal["onnxruntime", "openvino", "mnn"]
Device = Literal["auto", "cpu", "cuda", "tensorrt"]


@dataclass(frozen=True)
class EngineOptions:
    """How an engine computes.

    Attributes:
        device: `auto` takes an accelerator where the engine finds one.
        threads: of the processor that one call may use; None leaves it to the engine, which takes all cores.
        gpu_memory: GB of an accelerator's memory that it takes at most; None for no limit.
        profile: a file to write to how long each operator took, or None.
    """

    device: Device = "auto"
    threads: int | None = None
    gpu_memory: float | None = None
    profile: Path | None = None


@runtime_checkable
class Engine(Protocol):
    """Runs one model. Safe to be called from several threads at once."""

    @property
    def parallel_calls(self) -> int:
        """Calls at the same time that give the most images a second, each with its share of the threads."""
        ...

    def run(self, images: UInt8[np.ndarray, "n h w 3"], *, shared: bool = False) -> Float32[np.ndarray, "n d"]:
        """Unit-norm features of RGB images at the preprocess size; n ≥ 1.

        Args:
            images: RGB pixels.
            shared: whether up to `parallel_calls` calls are under way; alone it takes all threads that it may use.

        Raises:
            EngineError: the engine failed.
        """
        ...

    def close(self) -> None:
        """Let go of the model; writes the profile, where one was asked for."""
        ...
