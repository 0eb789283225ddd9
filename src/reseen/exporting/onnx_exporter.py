"""The graph as ONNX."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import onnx
import torch

from reseen.errors import ExportError
from reseen.exporting.graph import DeployedNetwork
from reseen.images.preprocess import Preprocess

OPSET = 20
LARGEST = 2**31 - 2**20
"""Bytes that a protocol buffer may have, with some to spare."""


def export_onnx(graph: DeployedNetwork, preprocess: Preprocess) -> bytes:
    """The graph as an ONNX file that holds its weights: input `images` (batch, h, w, 3) uint8, output `features`.

    Raises:
        ExportError: torch cannot export it, or it is too large for one file.
    """
    example = torch.zeros((2, preprocess.height, preprocess.width, 3), dtype=torch.uint8)
    try:
        with _quiet():
            program = torch.onnx.export(
                graph,
                (example,),
                input_names=["images"],
                output_names=["features"],
                opset_version=OPSET,
                dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
                dynamo=True,
                verbose=False,
            )
        if program is None:
            raise RuntimeError("the exporter gave nothing")
        model = _bare(program.model_proto)
        if model.ByteSize() > LARGEST:
            raise ValueError(f"{model.ByteSize():,} bytes, more than an ONNX file can hold")
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        raise ExportError(
            "the network cannot be exported as ONNX",
            expected="operators that torch.onnx knows",
            got=str(error)[:500],
            cure="choose another backbone, or update torch and onnxscript",
        ) from error
    return bytes(model.SerializeToString())


def _bare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without what the exporter notes about each node: it is half of a small model, and tells paths of this machine."""
    del model.graph.value_info[:], model.graph.metadata_props[:], model.metadata_props[:], model.functions[:]
    for part in [*model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output]:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of its own insides and prints; neither is of use to who exports."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
