"""The ONNX graph: its surface, and nothing of this machine in it."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from torch import Tensor

from reseen.errors import ExportError
from reseen.exporting.graph import DeployedNetwork
from reseen.exporting.onnx_exporter import OPSET, export_onnx
from reseen.exporting.source import Source
from reseen.images.preprocess import Preprocess
from reseen.models.network import build_network
from reseen.recipe.load import load_recipe


def test_uint8_images_go_in_and_features_come_out_in_batches_of_any_size(small_source: Source) -> None:
    graph = onnx.load_model_from_string(small_source.onnx).graph
    (images,), (features,) = graph.input, graph.output
    assert (images.name, features.name) == ("images", "features")
    assert images.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert features.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert [side.dim_value or side.dim_param for side in images.type.tensor_type.shape.dim] == ["batch", 64, 32, 3]
    assert [side.dim_value or side.dim_param for side in features.type.tensor_type.shape.dim] == ["batch", 16]
    assert onnx.load_model_from_string(small_source.onnx).opset_import[0].version == OPSET


def test_it_tells_nothing_of_the_machine_that_exported_it(small_source: Source) -> None:
    assert str(Path(__file__).parents[2]).encode() not in small_source.onnx
    assert b"site-packages" not in small_source.onnx


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    network = build_network(load_recipe("tiny").model, persons=0)
    export_onnx(DeployedNetwork(network, Preprocess()), Preprocess())
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_exported_is_a_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = DeployedNetwork(build_network(load_recipe("tiny").model, persons=0), Preprocess())

    def looks_at_its_numbers(images: Tensor) -> Tensor:
        return images.sum() if images.float().sum() > 0 else images.float().mean((1, 2))

    monkeypatch.setattr(graph, "forward", looks_at_its_numbers)
    with pytest.raises(ExportError, match="cannot be exported as ONNX"):
        export_onnx(graph, Preprocess())
