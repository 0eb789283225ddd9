from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reseen.bundle.bundle import open_bundle
from reseen.engines.choose import ENGINES, FORMATS, choose_model, engine_named, open_engine, precision_named
from reseen.engines.engine import EngineName, EngineOptions
from reseen.engines.onnx_runtime import OnnxRuntimeEngine
from reseen.errors import BundleError, UsageError


def test_an_engine_is_known_by_its_name_alone() -> None:
    assert [engine_named(name) for name in ENGINES] == list(ENGINES)
    with pytest.raises(UsageError, match="there is no engine 'tflite'") as error:
        engine_named("tflite")
    assert error.value.expected == "onnxruntime, openvino, mnn"


def test_every_engine_reads_a_format() -> None:
    assert FORMATS.keys() == ENGINES.keys()


def test_an_engine_gets_the_model_of_a_format_that_it_reads(small_bundle: Path) -> None:
    bundle = open_bundle(small_bundle)

    assert choose_model(bundle, "onnxruntime", "fp16").files == ("model_fp16.onnx",)
    assert choose_model(bundle, "openvino", "fp32").files == ("model.onnx",)


def test_without_a_precision_the_most_exact_is_taken(small_bundle: Path) -> None:
    bundle = open_bundle(small_bundle)
    half = replace(bundle, description=bundle.description.model_copy(update={"models": bundle.description.models[1:]}))

    assert choose_model(bundle, "onnxruntime", None).precision == "fp32"
    assert choose_model(half, "onnxruntime", None).precision == "fp16"
    with pytest.raises(BundleError, match="has no model for mnn") as error:
        choose_model(bundle, "mnn", None)
    assert error.value.expected == "a model of format mnn"


@pytest.mark.parametrize(("engine", "precision"), [("onnxruntime", "int8"), ("mnn", "fp32")])
def test_a_model_that_the_bundle_lacks_is_told_with_those_that_it_has(
    small_bundle: Path, engine: EngineName, precision: str
) -> None:
    with pytest.raises(BundleError, match=f"has no {precision} model for {engine}") as error:
        choose_model(open_bundle(small_bundle), engine, precision)  # type: ignore[arg-type]
    assert error.value.got == "onnx fp32, onnx fp16"
    offers = "reseen export --to" in (error.value.cure or "")
    assert offers == (engine == "mnn")  # there is no export in 8 bits for ONNX Runtime


def test_a_precision_that_there_is_not_is_refused() -> None:
    assert precision_named("int8") == "int8"
    with pytest.raises(UsageError, match="there is no precision 'fp64'"):
        precision_named("fp64")


def test_the_default_engine_opens_a_model(small_bundle: Path) -> None:
    assert isinstance(open_engine("onnxruntime", small_bundle / "model.onnx", EngineOptions()), OnnxRuntimeEngine)


@pytest.mark.parametrize(
    ("engine", "library", "command"),
    [
        ("onnxruntime", "onnxruntime", "pip install onnxruntime"),
        ("openvino", "openvino", "pip install '.[openvino]' in a clone of reseen"),
        ("mnn", "MNN", "pip install '.[mnn]' in a clone of reseen"),
    ],
)
def test_an_engine_whose_library_is_missing_names_the_command_that_installs_it(
    engine: EngineName, library: str, command: str, monkeypatch: pytest.MonkeyPatch, small_bundle: Path
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, ENGINES[engine][0], raising=False)

    with pytest.raises(UsageError, match=f"the engine {engine} is not installed") as error:
        open_engine(engine, small_bundle / "model.onnx", EngineOptions())
    assert error.value.cure == command
