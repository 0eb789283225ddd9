"""From the ONNX graph to the files of each format and precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

import numpy as np

from reseen.bundle.description import Format, Precision
from reseen.errors import UsageError
from reseen.shapes import UInt8

Images = UInt8[np.ndarray, "n h w 3"]
Convert = Callable[[bytes, Images | None], dict[str, bytes]]
"""An ONNX graph, and images to quantise on, to the content of files by their names; the first is what engines open."""

CONVERTERS: Mapping[tuple[Format, Precision], tuple[str, str]] = {
    ("onnx", "fp32"): ("reseen.exporting.onnx_files", "to_fp32"),
    ("onnx", "fp16"): ("reseen.exporting.onnx_files", "to_fp16"),
    ("openvino", "fp32"): ("reseen.exporting.openvino_files", "to_fp32"),
    ("openvino", "int8"): ("reseen.exporting.openvino_int8", "to_int8"),
    ("mnn", "fp32"): ("reseen.exporting.mnn_files", "to_fp32"),
    ("mnn", "fp16"): ("reseen.exporting.mnn_files", "to_fp16"),
    ("mnn", "int8"): ("reseen.exporting.mnn_files", "to_int8"),
}
"""Module and function of each that there is, imported on use."""
INSTALL: Mapping[Format, str] = {
    "onnx": "pip install '.[export]' in a clone of reseen",
    "openvino": "pip install '.[export,quantise]' in a clone of reseen",
    "mnn": "pip install '.[export,mnn]' in a clone of reseen",
}


def converter(form: Format, precision: Precision) -> Convert:
    """What converts to a format and precision.

    Raises:
        UsageError: there is no such pair, or its library is not installed.
    """
    if (form, precision) not in CONVERTERS:
        raise UsageError(
            f"cannot export {form} in {precision}",
            expected=", ".join(f"{name} {kind}" for name, kind in CONVERTERS),
            got=f"{form} {precision}",
            cure="choose one of these",
        )
    module, function = CONVERTERS[form, precision]
    try:
        convert: Convert = getattr(import_module(module), function)
    except ImportError as error:
        raise UsageError(
            f"the exporter for {form} is not installed",
            expected="its library installed",
            got=str(error),
            cure=INSTALL[form],
        ) from error
    return convert
