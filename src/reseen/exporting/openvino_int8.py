"""Files of OpenVINO that compute in 8-bit integers, by NNCF's quantisation after training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from reseen.engines.silence import silent_stdout
from reseen.engines.telemetry import reporter_missing
from reseen.errors import ExportError
from reseen.exporting.openvino_files import openvino_files, read_graph
from reseen.shapes import UInt8

with reporter_missing():
    import nncf
    import openvino
    from nncf.common.logging import nncf_logger
    from nncf.telemetry import decorator
    from nncf.telemetry.wrapper import NNCFTelemetryStub

LAYERS = frozenset({"Convolution", "GroupConvolution", "MatMul"})
"""Operators with weights."""
OVERFLOW_SAFE = nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE)
"""Weights keep to half their range, so that processors that add up in 16 bits (without VNNI) compute the same."""


def to_int8(graph: bytes, images: UInt8[np.ndarray, "n h w 3"] | None) -> dict[str, bytes]:
    """The graph with layers that compute in 8 bits, their ranges taken from images.

    What comes before the first layer with weights and after the last, normalising the pixels and the feature, stays in
    float32.

    Raises:
        ExportError: OpenVINO cannot read the graph, or NNCF cannot quantise it.
    """
    if images is None:
        raise ValueError("8 bits need images")
    model = read_graph(graph)
    try:
        with _alone():
            quantised = nncf.quantize(
                model,
                nncf.Dataset([image[None] for image in images]),
                subset_size=len(images),
                ignored_scope=nncf.IgnoredScope(names=_outside(model), validate=False),
                advanced_parameters=OVERFLOW_SAFE,
            )
    except Exception as error:
        raise ExportError(
            "the network cannot be quantised",
            expected="operators that NNCF knows, and images like those that the model will see",
            got=str(error)[:500],
            cure="choose fp32, or update nncf",
        ) from error
    return openvino_files(quantised, "model_int8")


def _outside(model: openvino.Model) -> list[str]:
    """Names of the operators that are not between two layers with weights."""
    operators = model.get_ordered_ops()
    layers = {each.get_friendly_name() for each in operators if each.get_type_name() in LAYERS}
    behind, before = set(layers), set(layers)
    for each in operators:
        if any(source.get_node().get_friendly_name() in behind for source in each.input_values()):
            behind.add(each.get_friendly_name())
    for each in reversed(operators):
        if each.get_friendly_name() in before:
            before.update(source.get_node().get_friendly_name() for source in each.input_values())
    return [name for each in operators if (name := each.get_friendly_name()) not in behind & before]


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """NNCF without progress bars, warnings and reports, even where it was imported before."""
    reports, disabled = decorator.telemetry, nncf_logger.disabled
    decorator.telemetry, nncf_logger.disabled = NNCFTelemetryStub(), True
    try:
        with silent_stdout():
            yield
    finally:
        decorator.telemetry, nncf_logger.disabled = reports, disabled
