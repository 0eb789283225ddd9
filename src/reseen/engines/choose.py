"""Which engine runs which model of a bundle."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeVar, get_args

from reseen.bundle.bundle import Bundle
from reseen.bundle.description import Format, Model, Precision
from reseen.engines.engine import Device, Engine, EngineName, EngineOptions
from reseen.errors import BundleError, UsageError

Name = TypeVar("Name", bound=str)

ENGINES: dict[EngineName, tuple[str, str, str]] = {
    "onnxruntime": ("reseen.engines.onnx_runtime", "OnnxRuntimeEngine", "pip install onnxruntime"),
    "openvino": ("reseen.engines.openvino", "OpenVINOEngine", "pip install '.[openvino]' in a clone of reseen"),
    "mnn": ("reseen.engines.mnn", "MNNEngine", "pip install '.[mnn]' in a clone of reseen"),
}
"""Module and class of each engine, imported on use, and how it is installed."""
FORMATS: dict[EngineName, tuple[Format, ...]] = {
    "onnxruntime": ("onnx",),
    "openvino": ("openvino", "onnx"),
    "mnn": ("mnn",),
}
"""Formats that each engine reads, the one it prefers first."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
"""The most exact first."""


def choose_model(bundle: Bundle, engine: EngineName, precision: Precision | None) -> Model:
    """The model that an engine runs.

    Args:
        bundle: whose models there are.
        engine: the one that runs it.
        precision: of the model; None takes the most exact that there is for this engine.

    Raises:
        BundleError: the bundle has none for this engine in this precision.
    """
    models = {(model.format, model.precision): model for model in bundle.description.models}
    for kind in PRECISIONS if precision is None else (precision,):
        for form in FORMATS[engine]:
            if (form, kind) in models:
                return models[form, kind]
    wanted = "" if precision is None else f"{precision} "
    raise BundleError(
        f"{bundle.folder} has no {wanted}model for {engine}",
        expected=f"a model of format {' or '.join(FORMATS[engine])}" + (f" in {precision}" if precision else ""),
        got=", ".join(f"{form} {kind}" for form, kind in models) or "no model at all",
        cure=f"{_export(engine, precision or PRECISIONS[0])}choose another engine or precision",
    )


def _export(engine: EngineName, precision: Precision) -> str:
    """How to get a model that is missing; there is none in 8 bits for ONNX Runtime."""
    if precision == "int8" and engine == "onnxruntime":
        return ""
    return f"export it: reseen export --to {FORMATS[engine][0]} --precision {precision}, or "


def open_engine(engine: EngineName, path: Path, options: EngineOptions) -> Engine:
    """An engine with a model loaded.

    Args:
        engine: which one.
        path: the file of a model in a format that the engine reads.
        options: how to compute.

    Raises:
        UsageError: the engine is not installed, or cannot do what the options ask for.
        EngineError: it cannot load the model.
    """
    module, kind, install = ENGINES[engine]
    try:
        opens: Callable[[Path, EngineOptions], Engine] = getattr(import_module(module), kind)
    except ImportError as error:
        raise UsageError(
            f"the engine {engine} is not installed", expected="its library installed", got=str(error), cure=install
        ) from error
    return opens(path, options)


def engine_named(name: str) -> EngineName:
    """The engine of a name that a user gave.

    Raises:
        UsageError: there is none.
    """
    return _named(name, tuple(ENGINES), "engine")


def device_named(name: str) -> Device:
    """The device of a name that a user gave.

    Raises:
        UsageError: there is none.
    """
    return _named(name, get_args(Device), "device")


def precision_named(name: str) -> Precision:
    """The precision of a name that a user gave.

    Raises:
        UsageError: there is none.
    """
    return _named(name, PRECISIONS, "precision")


def _named(name: str, known: tuple[Name, ...], kind: str) -> Name:
    for each in known:
        if each == name:
            return each
    raise UsageError(f"there is no {kind} {name!r}", expected=", ".join(known), got=name, cure="choose one of these")
