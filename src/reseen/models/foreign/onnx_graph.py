"""A foreign ONNX network made into what a bundle holds: uint8 images in, unit-norm features out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from reseen.bundle.external_data import external_files
from reseen.errors import BundleError, WeightsError
from reseen.files import read_bounded
from reseen.images.preprocess import Preprocess

MAX_BYTES = 2**31 - 1
"""Largest file: protocol buffers hold no more."""
OLDEST_OPSET = 7
"""The first in which numbers are broadcast as they are here."""
INITIALISERS_APART = 4
"""The first version of the format in which weights need not be listed as inputs."""
SMALLEST_SQUARE = 1e-12
PREFIX = "foreign."


@dataclass(frozen=True)
class ForeignGraph:
    """A network from an ONNX file.

    Attributes:
        onnx: the whole way: `images` (n, h, w, 3) uint8 RGB to `features` (n, d) float32 of unit norm.
        input: name of the network's own input.
        output: name of the network's own output.
        one_by_one: whether its file says that it takes one image at a time.
        bgr: whether it takes blue first.
        sha256: of the file, and of what was chosen of it.
    """

    onnx: bytes
    input: str
    output: str
    one_by_one: bool
    bgr: bool
    sha256: str


def read_foreign_graph(path: Path, preprocess: Preprocess, *, output: str | None = None, bgr: bool) -> ForeignGraph:
    """Wrap a network that takes normalised images (n, 3, h, w) float32 and gives features (n, d) or (n, d, 1, 1).

    Args:
        path: an ONNX file that holds all its weights.
        preprocess: its size, and the mean and scale of each channel (red first, whatever the network's order is).
        output: which of its outputs the feature is; may be None where there is one.
        bgr: whether it takes blue first.

    Raises:
        WeightsError: it is no such network.
    """
    content = _read(path)
    model = _parse(path, content)
    taken = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in taken]
    if len(inputs) != 1 or not _takes_images(inputs[0], preprocess):
        size = f"{preprocess.height}, {preprocess.width}"
        raise _unfit(path, f"one input of float32 (n, 3, {size})", "; ".join(map(_described, inputs)) or "no input")
    outputs: list[str] = [each.name for each in model.graph.output]
    chosen = output or (outputs[0] if len(outputs) == 1 else None)
    if chosen is None or chosen not in outputs:
        raise _unfit(path, "the name of one output: --feature NAME", f"{output or 'none'}; it has {', '.join(outputs)}")
    batch = inputs[0].type.tensor_type.shape.dim[0]
    digest = hashlib.sha256(json.dumps([hashlib.sha256(content).hexdigest(), chosen, bgr]).encode()).hexdigest()
    whole = _wrapped(model, inputs[0].name, chosen, preprocess, bgr=bgr)
    return ForeignGraph(whole, inputs[0].name, chosen, batch.dim_value == 1, bgr, digest)


def _read(path: Path) -> bytes:
    try:
        content = read_bounded(path, MAX_BYTES)
        if elsewhere := external_files(path):
            raise _unfit(path, "an ONNX file that holds all its weights", f"weights in {', '.join(sorted(elsewhere))}")
        return content
    except (OSError, ValueError, BundleError) as error:
        raise _unfit(path, f"an ONNX file of at most {MAX_BYTES:,} bytes", str(error).partition("\n")[0]) from None


def _parse(path: Path, content: bytes) -> onnx.ModelProto:
    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
    except Exception as error:  # the library raises kinds of several others
        raise _unfit(path, "a valid ONNX file", str(error)[:300]) from None
    opset = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 0)
    if opset < OLDEST_OPSET:
        raise _unfit(path, f"operators of opset {OLDEST_OPSET} or later", f"opset {opset}")
    bodies = [model.graph.node, *(function.node for function in model.functions)]
    if any(operator == "Loop" for nodes in bodies for operator in _operators(nodes)):
        raise _unfit(path, "a network without loops, which need not end", "the operator Loop")
    return model


def _operators(nodes: Iterable[onnx.NodeProto]) -> Iterator[str]:
    """Operators of a graph, and of the graphs within its nodes."""
    for node in nodes:
        yield node.op_type
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _operators(graph.node)


def _takes_images(value: onnx.ValueInfoProto, preprocess: Preprocess) -> bool:
    """Whether an input is of normalised images; a size that the file leaves open fits."""
    tensor = value.type.tensor_type
    wanted = (0, 3, preprocess.height, preprocess.width)
    sizes = [each.dim_value for each in tensor.shape.dim]
    return (
        tensor.elem_type == TensorProto.FLOAT
        and len(sizes) == len(wanted)
        and sizes[0] in (0, 1)
        and all(size in (0, want) for size, want in zip(sizes[1:], wanted[1:], strict=True))
    )


def _described(value: onnx.ValueInfoProto) -> str:
    tensor = value.type.tensor_type
    sizes = ", ".join(str(each.dim_value or each.dim_param or "?") for each in tensor.shape.dim)
    return f"{value.name}: {TensorProto.DataType.Name(tensor.elem_type).lower()} ({sizes})"


def _wrapped(model: onnx.ModelProto, entry: str, feature: str, preprocess: Preprocess, *, bgr: bool) -> bytes:
    """The network between what makes its input of pixels and what scales its output to unit norm.

    The squared length is a product of matrices: reductions are written differently from version to version.
    """
    whole = compose.add_prefix(model, PREFIX)
    whole.ir_version = max(whole.ir_version, INITIALISERS_APART)
    std, mean = np.array(preprocess.std), np.array(preprocess.mean)
    constants = {
        "scale": (1 / (255 * std)).astype(np.float32).reshape(1, 3, 1, 1),
        "offset": (-mean / std).astype(np.float32).reshape(1, 3, 1, 1),
        "order": np.array([2, 1, 0] if bgr else [0, 1, 2], np.int64),
        "as_matrix": np.array([0, -1], np.int64),
        "as_rows": np.array([0, 1, -1], np.int64),
        "as_columns": np.array([0, -1, 1], np.int64),
        "smallest": np.array([[SMALLEST_SQUARE]], np.float32),
    }
    before = [
        helper.make_node("Transpose", ["images"], ["pixels"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["pixels"], ["maps"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["maps", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["normalised"]),
        helper.make_node("Gather", ["normalised", "order"], [PREFIX + entry], axis=1),
    ]
    after = [
        helper.make_node("Reshape", [PREFIX + feature, "as_rows"], ["rows"]),
        helper.make_node("Reshape", [PREFIX + feature, "as_columns"], ["columns"]),
        helper.make_node("MatMul", ["rows", "columns"], ["products"]),
        helper.make_node("Reshape", ["products", "as_matrix"], ["squares"]),
        helper.make_node("Add", ["squares", "smallest"], ["positive"]),
        helper.make_node("Sqrt", ["positive"], ["lengths"]),
        helper.make_node("Reshape", [PREFIX + feature, "as_matrix"], ["unscaled"]),
        helper.make_node("Div", ["unscaled", "lengths"], ["features"]),
    ]
    graph = helper.make_graph(
        [*before, *whole.graph.node, *after],
        "reseen",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", preprocess.height, preprocess.width, 3])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", "d"])],
        [*whole.graph.initializer, *(numpy_helper.from_array(value, name) for name, value in constants.items())],
        sparse_initializer=whole.graph.sparse_initializer,
    )
    whole.graph.CopyFrom(graph)
    content: bytes = whole.SerializeToString()
    return content


def _unfit(path: Path, expected: str, got: str) -> WeightsError:
    return WeightsError(
        f"{path} is not a network that can be imported",
        expected=expected,
        got=got,
        cure="export it again that way, with the library that trained it",
    )
