"""A foreign network of OpenVINO (`.xml` with its `.bin`) as a bundle: uint8 images in, unit-norm features out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reseen.bundle.bundle import Bundle
from reseen.engines.telemetry import reporter_missing
from reseen.errors import EngineError, ExportError, WeightsError
from reseen.exporting.export import About, export_bundle
from reseen.exporting.openvino_files import openvino_files
from reseen.exporting.source import Source
from reseen.files import read_bounded
from reseen.images.preprocess import Preprocess
from reseen.shapes import Float32, UInt8

with reporter_missing():
    import openvino
    from openvino import Layout, Type, opset13
    from openvino.preprocess import PrePostProcessor

MAX_GRAPH, MAX_WEIGHTS = 64 * 2**20, 2**31 - 1
"""Largest `.xml` and `.bin` file, in bytes."""
SMALLEST_SQUARE = 1e-12
RAW_MEAN, RAW_STD = (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)
"""The normalisation that leaves pixels of 0–255 as they are."""
ENDLESS = ("Loop", "TensorIterator")
"""Operators that need not end."""


@dataclass(frozen=True, eq=False)
class ForeignModel:
    """A network from OpenVINO's files.

    Attributes:
        path: the `.xml` file.
        preprocess: how an image becomes its input; the channels of mean and scale are red first.
        bgr: whether it takes blue first.
        sha256: of both files, and of what was chosen of them.
    """

    path: Path
    preprocess: Preprocess
    bgr: bool
    sha256: str


def import_openvino(path: Path, folder: Path, *, name: str, preprocess: Preprocess | None = None, bgr: bool) -> Bundle:
    """A foreign network of OpenVINO as a bundle; the gate holds it against the files themselves, image by image.

    Args:
        path: an `.xml` file with its `.bin` beside it: one input (1 or n, 3, h, w) of floats, one output (n, d) or
            (n, d, 1, 1).
        folder: of the bundle: empty, or missing.
        name: of the model.
        preprocess: its input; None takes the size from the file, and gives the network pixels of 0–255 as they are.
        bgr: whether it takes blue first.

    Raises:
        UsageError: the folder is in the way.
        WeightsError: it is no such network, or does not do with several images what it does with one.
        StorageError: it cannot be written.
    """
    digests = [hashlib.sha256(_read(file, most)).hexdigest() for file, most in _files(path)]
    model = _open(path)
    settings = _preprocess(path, model, preprocess)
    chosen = hashlib.sha256(json.dumps([*digests, bgr]).encode()).hexdigest()
    foreign = ForeignModel(path, settings, bgr, chosen)
    size = _run_one_by_one(foreign, np.zeros((1, settings.height, settings.width, 3), np.uint8)).shape[1]
    ready = openvino_files(_wrapped(foreign, model), "model")
    source = Source(b"", lambda images: _run_one_by_one(foreign, images), settings, size, chosen, ready)
    try:
        return export_bundle(source, [("openvino", "fp32")], folder, About(name))
    except (EngineError, ExportError) as error:
        raise WeightsError(
            f"{path} cannot become a bundle: the converted model gives other features",
            expected=error.expected,
            got=error.got,
            cure="convert it anew from the library that it was trained with; if that does not help, report it",
        ) from error


def _files(path: Path) -> tuple[tuple[Path, int], ...]:
    return (path, MAX_GRAPH), (path.with_suffix(".bin"), MAX_WEIGHTS)


def _read(path: Path, most: int) -> bytes:
    try:
        return read_bounded(path, most)
    except (OSError, ValueError) as error:
        raise _unfit(path, f"a readable file of at most {most:,} bytes", str(error).partition("\n")[0]) from None


def _open(path: Path) -> openvino.Model:
    """The network, taking any number of images."""
    try:
        model = openvino.Core().read_model(path, path.with_suffix(".bin"))
    except Exception as error:  # the library says no more than RuntimeError
        raise _unfit(path, "an .xml file of OpenVINO and its .bin", str(error)[:300]) from None
    found = [f"{each.get_partial_shape()} of {each.get_element_type().get_type_name()}" for each in model.inputs]
    shape = model.inputs[0].get_partial_shape() if len(model.inputs) == 1 else None
    if shape is None or not _takes_images(shape) or model.inputs[0].get_element_type() != Type.f32:
        raise _unfit(path, "one input of f32 [1,3,height,width]", "; ".join(found) or "no input")
    if len(model.outputs) != 1:
        raise _unfit(path, "one output", f"{len(model.outputs)} outputs")
    if endless := sorted({each.get_type_name() for each in model.get_ops()} & {*ENDLESS}):
        raise _unfit(path, "a network without loops, which need not end", f"the operator {endless[0]}")
    return model


def _takes_images(shape: openvino.PartialShape) -> bool:
    if shape.rank.is_dynamic or len(shape) != 4 or any(shape[side].is_dynamic for side in (1, 2, 3)):
        return False
    return bool(shape[1].get_length() == 3 and (shape[0].is_dynamic or shape[0].get_length() == 1))


def _preprocess(path: Path, model: openvino.Model, preprocess: Preprocess | None) -> Preprocess:
    shape = model.inputs[0].get_partial_shape()
    height, width = shape[2].get_length(), shape[3].get_length()
    if preprocess is None:
        try:
            return Preprocess(height=height, width=width, mean=RAW_MEAN, std=RAW_STD)
        except ValueError:
            raise _unfit(path, "images of 16 to 2,048 pixels a side", f"{height}×{width}") from None
    if (preprocess.height, preprocess.width) != (height, width):
        sizes = f"preprocess.height={height} and preprocess.width={width}"
        raise _unfit(path, f"a recipe with {sizes}, its own size", f"{preprocess.height}×{preprocess.width}")
    return preprocess


def _wrapped(foreign: ForeignModel, model: openvino.Model) -> openvino.Model:
    """The network between what makes its input of pixels and what scales its output to unit norm."""
    preprocess, path = foreign.preprocess, foreign.path
    try:
        model.reshape({0: openvino.PartialShape([-1, 3, preprocess.height, preprocess.width])})
        steps = PrePostProcessor(model)
        steps.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
        steps.input().model().set_layout(Layout("NCHW"))
        normalise = steps.input().preprocess().convert_element_type(Type.f32)
        normalise.mean([255 * value for value in preprocess.mean]).scale([255 * value for value in preprocess.std])
        if foreign.bgr:
            normalise.reverse_channels()
        whole = steps.build()
        rows = opset13.reshape(whole.get_results()[0].input_value(0), np.array([0, -1], np.int64), special_zero=True)
        unit = opset13.normalize_l2(rows, np.array([1], np.int64), SMALLEST_SQUARE, "max")
        unit.output(0).set_names({"features"})
        inputs = whole.get_parameters()
        inputs[0].output(0).set_names({"images"})
        return openvino.Model([unit], inputs, "reseen")
    except Exception as error:
        raise _unfit(path, "a network that takes several images at a time", str(error)[:300]) from None


def _run_one_by_one(foreign: ForeignModel, images: UInt8[np.ndarray, "n h w 3"]) -> Float32[np.ndarray, "n d"]:
    """What the files themselves make of images, given what `preprocess` says."""
    mean, std = np.array(foreign.preprocess.mean), np.array(foreign.preprocess.std)
    inputs = ((images / 255 - mean) / std).astype(np.float32)
    inputs = (inputs[..., ::-1] if foreign.bgr else inputs).transpose(0, 3, 1, 2)
    try:
        compiled = openvino.Core().compile_model(foreign.path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        found: Sequence[np.ndarray] = [compiled(np.ascontiguousarray(each[None]))[0].reshape(-1) for each in inputs]
    except Exception as error:
        raise _unfit(foreign.path, f"a network that OpenVINO {openvino.__version__} runs", str(error)[:300]) from None
    features = np.stack(found).astype(np.float32)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit: np.ndarray = features / np.maximum(lengths, SMALLEST_SQUARE**0.5)
    return unit


def _unfit(path: Path, expected: str, got: str) -> WeightsError:
    return WeightsError(
        f"{path} is not a network that can be imported",
        expected=expected,
        got=got,
        cure="convert it anew so, from the library that it was trained with",
    )
