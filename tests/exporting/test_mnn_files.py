from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from reseen.engines.engine import EngineName
from reseen.errors import ExportError
from reseen.exporting.mnn_files import to_fp16, to_fp32, to_int8
from reseen.exporting.parity import Run
from reseen.exporting.source import Source, source_of
from reseen.models.network import build_network
from reseen.recipe.load import load_recipe

OpenFiles = Callable[[EngineName, Mapping[str, bytes]], Run]
RunLocked = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("batch", [1, 2, 7, 32])
def test_fp32_gives_the_network_s_features(small_source: Source, open_files: OpenFiles, batch: int) -> None:
    images = np.random.default_rng(batch).integers(0, 256, (batch, 64, 32, 3), dtype=np.uint8)
    found = open_files("mnn", to_fp32(small_source.onnx))(images)
    np.testing.assert_allclose(found, small_source.run(images), atol=1e-6)


@pytest.mark.parametrize(("convert", "least"), [(to_fp16, 0.99999), (to_int8, 0.999)])
def test_smaller_weights_give_nearly_the_network_s_features(
    small_source: Source, open_files: OpenFiles, convert: Callable[[bytes], dict[str, bytes]], least: float
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 64, 32, 3), dtype=np.uint8)
    found, wanted = open_files("mnn", convert(small_source.onnx))(images), small_source.run(images)
    assert not np.array_equal(found, wanted)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (found * wanted).sum(1).min() > least


def test_weights_take_half_and_a_quarter_of_the_room() -> None:
    torch.manual_seed(0)
    recipe = load_recipe("tiny", ["model.backbone.widths=[64, 128]", "preprocess.height=64", "preprocess.width=32"])
    graph = source_of(build_network(recipe.model, persons=0), recipe.model, recipe.preprocess).onnx
    fp32, fp16, int8 = (sum(map(len, convert(graph).values())) for convert in (to_fp32, to_fp16, to_int8))
    assert fp16 / fp32 == pytest.approx(1 / 2, rel=0.1)
    assert int8 / fp32 == pytest.approx(1 / 4, rel=0.1)


def test_an_operator_that_mnn_does_not_know_is_an_error_that_names_it() -> None:
    images, features = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in ("images", "features")
    )
    node = helper.make_node("Juggle", ["images"], ["features"], domain="circus")
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("circus", 1)]
    model = helper.make_model(helper.make_graph([node], "g", [images], [features]), opset_imports=opsets, ir_version=10)
    with pytest.raises(ExportError, match="cannot be exported for MNN") as error:
        to_fp32(onnx.ModelProto.SerializeToString(model))
    assert error.value.got is not None
    assert "Juggle" in error.value.got


def test_exporting_prints_nothing_opens_no_connection_and_starts_no_process(
    small_source: Source, run_locked: RunLocked, tmp_path: Path
) -> None:
    (tmp_path / "graph").write_bytes(small_source.onnx)
    program = """
import sys
from pathlib import Path
from reseen.exporting.mnn_files import to_fp16, to_fp32, to_int8

graph = Path(sys.argv[1]).read_bytes()
files = [name for convert in (to_fp32, to_fp16, to_int8) for name in convert(graph)]
print(*files, "pip" in sys.modules, any("mnn.tools.utils.log" in name.lower() for name in sys.modules))
"""
    result = run_locked(program, tmp_path / "graph")
    assert (result.returncode, result.stdout) == (0, "model.mnn model_fp16.mnn model_int8.mnn False False\n"), result
    assert list((tmp_path / "home").iterdir()) == []
