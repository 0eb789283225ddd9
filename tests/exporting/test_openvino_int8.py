from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from reseen.engines.engine import EngineName
from reseen.engines.telemetry import reporter_missing
from reseen.errors import ExportError
from reseen.exporting import openvino_int8
from reseen.exporting.openvino_int8 import to_int8
from reseen.exporting.parity import Run
from reseen.exporting.source import Source

with reporter_missing():
    import openvino
    from nncf.telemetry import decorator

OpenFiles = Callable[[EngineName, Mapping[str, bytes]], Run]
RunLocked = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def files(small_source: Source, pixels: np.ndarray) -> dict[str, bytes]:
    return to_int8(small_source.onnx, pixels)


@pytest.fixture(scope="module")
def model(files: Mapping[str, bytes]) -> openvino.Model:
    return openvino.Core().read_model(files["model_int8.xml"], files["model_int8.bin"])


def test_features_are_nearly_the_network_s_and_of_unit_norm(
    small_source: Source, pixels: np.ndarray, files: Mapping[str, bytes], open_files: OpenFiles
) -> None:
    found, wanted = open_files("openvino", files)(pixels), small_source.run(pixels)
    assert np.abs(found - wanted).max() > 1e-4
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (found * wanted).sum(1).mean() > 0.98


def test_every_layer_between_the_pixels_and_the_feature_computes_in_8_bits(model: openvino.Model) -> None:
    layers = [each for each in model.get_ordered_ops() if each.get_type_name() in openvino_int8.LAYERS]
    assert layers
    for layer in layers:
        assert layer.input_value(0).get_node().get_type_name() == "FakeQuantize"


def test_normalising_the_pixels_and_the_feature_stays_in_float32(model: openvino.Model) -> None:
    operators = model.get_ordered_ops()
    places = {each.get_friendly_name(): place for place, each in enumerate(operators)}
    first, last = (
        places[each.get_friendly_name()]
        for each in (
            next(each for each in operators if each.get_type_name() == "FakeQuantize"),
            next(each for each in reversed(operators) if each.get_type_name() in openvino_int8.LAYERS),
        )
    )
    before, after = ([each.get_type_name() for each in part] for part in (operators[:first], operators[last + 1 :]))
    assert {"Multiply", "Add"} <= set(before)
    assert "ReduceSum" in after
    assert "FakeQuantize" not in after


def test_weights_keep_to_half_the_range_of_8_bits(model: openvino.Model) -> None:
    weights = [
        each.get_data()
        for each in model.get_ops()
        if each.get_type_name() == "Constant" and each.get_element_type() == openvino.Type.i8
    ]
    assert weights
    assert max(int(np.abs(each.astype(int)).max()) for each in weights) in range(32, 65)


def test_the_same_images_give_the_same_model(
    small_source: Source, pixels: np.ndarray, files: Mapping[str, bytes]
) -> None:
    assert to_int8(small_source.onnx, pixels)["model_int8.bin"] == files["model_int8.bin"]


def test_what_cannot_be_quantised_is_a_typed_error(
    small_source: Source, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such operator")

    monkeypatch.setattr("nncf.quantize", fail)
    with pytest.raises(ExportError, match="cannot be quantised") as error:
        to_int8(small_source.onnx, pixels)
    assert error.value.got == "no such operator"


def test_images_are_needed(small_source: Source) -> None:
    with pytest.raises(ValueError, match="8 bits need images"):
        to_int8(small_source.onnx, None)


def test_reports_of_who_imported_the_library_before_are_off_and_put_back_after(
    small_source: Source, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reports:
        """What somebody who imported NNCF before has."""

        def __getattr__(self, name: str) -> None:
            raise AssertionError(f"{name} was called")

    reports = Reports()
    monkeypatch.setattr(decorator, "telemetry", reports)
    to_int8(small_source.onnx, pixels[:2])
    assert decorator.telemetry is reports


def test_quantising_prints_nothing_opens_no_connection_and_starts_no_process(
    small_source: Source, pixels: np.ndarray, run_locked: RunLocked, tmp_path: Path
) -> None:
    (tmp_path / "graph").write_bytes(small_source.onnx)
    np.save(tmp_path / "pixels.npy", pixels[:4])
    program = """
import sys
from pathlib import Path
import numpy as np
from reseen.exporting.openvino_int8 import to_int8

print(*to_int8(Path(sys.argv[1]).read_bytes(), np.load(sys.argv[2])))
"""
    result = run_locked(program, tmp_path / "graph", tmp_path / "pixels.npy")
    assert (result.returncode, result.stdout) == (0, "model_int8.xml model_int8.bin\n"), result
    assert list((tmp_path / "home").iterdir()) == []
