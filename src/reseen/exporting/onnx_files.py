"""ONNX files."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from reseen.shapes import UInt8

LARGE = 64
"""Tensors with fewer numbers than this stay as they are: they are scales and shapes rather than weights."""


def to_fp32(graph: bytes, images: UInt8[np.ndarray, "n h w 3"] | None = None) -> dict[str, bytes]:
    """The graph as it is."""
    return {"model.onnx": graph}


def to_fp16(graph: bytes, images: UInt8[np.ndarray, "n h w 3"] | None = None) -> dict[str, bytes]:
    """The graph with its weights stored in half precision; engines widen them once, when they load it."""
    model = onnx.load_model_from_string(graph)
    weights = [each for each in model.graph.initializer if each.data_type == TensorProto.FLOAT and _size(each) >= LARGE]
    casts = []
    for weight in weights:
        name, narrow = weight.name, f"{weight.name}.fp16"
        with np.errstate(over="ignore", under="ignore"):  # infinities are for the parity gate to find
            weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), narrow))
        casts.append(helper.make_node("Cast", [narrow], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return {"model_fp16.onnx": model.SerializeToString()}


def _size(tensor: TensorProto) -> int:
    return int(np.prod(tensor.dims))
