from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest

from reseen.engines.engine import EngineName
from reseen.errors import ExportError
from reseen.exporting.openvino_files import read_graph, to_fp32
from reseen.exporting.parity import Run
from reseen.exporting.source import Source

OpenFiles = Callable[[EngineName, Mapping[str, bytes]], Run]
RunLocked = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("batch", [1, 2, 7, 32])
def test_fp32_gives_the_network_s_features(small_source: Source, open_files: OpenFiles, batch: int) -> None:
    images = np.random.default_rng(batch).integers(0, 256, (batch, 64, 32, 3), dtype=np.uint8)
    found = open_files("openvino", to_fp32(small_source.onnx))(images)
    np.testing.assert_allclose(found, small_source.run(images), atol=1e-6)


def test_the_weights_stay_in_float32(small_source: Source) -> None:
    weights = [
        onnx.numpy_helper.to_array(each)
        for each in onnx.load_model_from_string(small_source.onnx).graph.initializer
        if each.name.endswith("weight") and len(each.dims) == 4
    ]
    stored = to_fp32(small_source.onnx)["model.bin"]
    assert weights
    assert all(each.tobytes() in stored for each in weights)


def test_nothing_is_left_to_be_worked_out_when_the_model_is_loaded(small_source: Source) -> None:
    kinds = {each.get_type_name() for each in read_graph(small_source.onnx).get_ops()}
    assert "Convolution" in kinds
    assert "ShapeOf" not in kinds


def test_a_graph_that_cannot_be_read_is_a_typed_error() -> None:
    with pytest.raises(ExportError, match="cannot be exported for OpenVINO"):
        to_fp32(b"no graph")


def test_exporting_prints_nothing_opens_no_connection_and_starts_no_process(
    small_source: Source, run_locked: RunLocked, tmp_path: Path
) -> None:
    (tmp_path / "graph").write_bytes(small_source.onnx)
    program = """
import sys
from pathlib import Path
from reseen.exporting.openvino_files import to_fp32

print(*to_fp32(Path(sys.argv[1]).read_bytes()))
"""
    result = run_locked(program, tmp_path / "graph")
    assert (result.returncode, result.stdout) == (0, "model.xml model.bin\n"), result
    assert list((tmp_path / "home").iterdir()) == []
