"""Files of OpenVINO."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from reseen.engines.telemetry import reporter_missing
from reseen.errors import ExportError
from reseen.shapes import UInt8

with reporter_missing():
    import openvino
    from openvino.passes import ConstantFolding, Manager


def to_fp32(graph: bytes, images: UInt8[np.ndarray, "n h w 3"] | None = None) -> dict[str, bytes]:
    """The graph as it is.

    Raises:
        ExportError: OpenVINO cannot read it.
    """
    return openvino_files(read_graph(graph), "model")


def read_graph(graph: bytes) -> openvino.Model:
    """An ONNX graph as OpenVINO's, with what does not depend on the images worked out.

    Raises:
        ExportError: OpenVINO cannot read it.
    """
    try:
        model = openvino.Core().read_model(graph)
        folding = Manager()
        folding.register_pass(ConstantFolding())
        folding.run_passes(model)
    except Exception as error:
        raise ExportError(
            "the network cannot be exported for OpenVINO",
            expected="operators that OpenVINO knows",
            got=str(error)[:500],
            cure="choose another format or backbone, or update openvino",
        ) from error
    return model


def openvino_files(model: openvino.Model, name: str) -> dict[str, bytes]:
    """`name.xml`, the graph, and `name.bin`, its weights, as they are."""
    with tempfile.TemporaryDirectory(prefix="reseen-") as folder:
        path = Path(folder) / f"{name}.xml"
        openvino.save_model(model, path, compress_to_fp16=False)
        return {each.name: each.read_bytes() for each in (path, path.with_suffix(".bin"))}
