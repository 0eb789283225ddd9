"""Files of MNN."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from reseen.engines.silence import silent_stdout
from reseen.errors import ExportError
from reseen.shapes import UInt8

with silent_stdout():
    # MNN's own command would install packages and can report to its vendor; the library beneath it does neither.
    import _tools  # MNN calls it by this name


def to_fp32(graph: bytes, images: UInt8[np.ndarray, "n h w 3"] | None = None) -> dict[str, bytes]:
    """The graph as it is.

    Raises:
        ExportError: MNN cannot convert it.
    """
    return {"model.mnn": _convert(graph)}


def to_fp16(graph: bytes, images: UInt8[np.ndarray, "n h w 3"] | None = None) -> dict[str, bytes]:
    """The graph with its weights stored in half precision.

    Raises:
        ExportError: MNN cannot convert it.
    """
    return {"model_fp16.mnn": _convert(graph, "--fp16")}


def to_int8(graph: bytes, images: UInt8[np.ndarray, "n h w 3"] | None = None) -> dict[str, bytes]:
    """The graph with its weights stored in 8 bits, a scale for each channel. It computes as before: no image is used.

    Raises:
        ExportError: MNN cannot convert it.
    """
    return {"model_int8.mnn": _convert(graph, "--weightQuantBits", "8")}


def _convert(graph: bytes, *how: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="reseen-") as folder:
        source, target, told = (Path(folder) / name for name in ("model.onnx", "model.mnn", "told"))
        source.write_bytes(graph)
        command = ["-f", "ONNX", "--modelFile", str(source), "--MNNModel", str(target), "--bizCode", "reseen", *how]
        with silent_stdout(into=told):
            _tools.mnnconvert(["mnnconvert", *command])
        if not target.is_file():  # it says so nowhere else
            raise ExportError(
                "the network cannot be exported for MNN",
                expected="operators that MNN knows",
                got=told.read_text(errors="replace")[-500:],
                cure="choose another format or backbone, or update MNN",
            )
        return target.read_bytes()
