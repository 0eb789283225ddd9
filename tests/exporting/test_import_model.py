from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from reseen.bundle.bundle import open_bundle
from reseen.engines.choose import open_engine
from reseen.engines.engine import EngineOptions
from reseen.errors import EngineError, UsageError, WeightsError
from reseen.exporting.import_model import import_onnx, import_weights_as_bundle
from reseen.images.preprocess import Preprocess
from reseen.models.network import build_network
from reseen.recipe.load import load_recipe

PREPROCESS = Preprocess(height=32, width=16)
CODES = np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)
FIXED = np.array([1, 3], np.int64)


def network(path: Path, *, batch: str | int = "n", reshape: bool = False, unknown: bool = False) -> Path:
    """Channel means times a matrix; with `reshape` written for one image alone, with `unknown` for no engine."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("Reshape", ["pooled", "rows"], ["flat"])
        if reshape
        else helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "codes"], ["feature"]),
    ]
    if unknown:
        nodes[-1] = helper.make_node("Mystery", ["flat", "codes"], ["feature"], domain="nowhere")
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, 32, 16])],
        [helper.make_tensor_value_info("feature", TensorProto.FLOAT, [batch, 8])],
        [numpy_helper.from_array(CODES, "codes"), numpy_helper.from_array(FIXED, "rows")],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("nowhere", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


@pytest.mark.parametrize("batch", ["n", 1])
@pytest.mark.parametrize("bgr", [False, True])
def test_a_foreign_onnx_file_becomes_a_bundle_that_gives_its_features(
    batch: str | int, bgr: bool, tmp_path: Path
) -> None:
    bundle = import_onnx(
        network(tmp_path / "a.onnx", batch=batch), PREPROCESS, tmp_path / "bundle", name="foreign", bgr=bgr
    )

    assert open_bundle(tmp_path / "bundle").description == bundle.description
    assert (bundle.description.name, bundle.description.feature_size) == ("foreign", 8)
    assert bundle.description.preprocess == PREPROCESS
    (model,) = bundle.description.models
    assert model.parity.cosine > 0.9999
    images = np.random.default_rng(1).integers(0, 256, (3, 32, 16, 3), dtype=np.uint8)
    found = open_engine("onnxruntime", bundle.path(model), EngineOptions()).run(images)
    means = (images.mean((1, 2)) / 255 - PREPROCESS.mean) / PREPROCESS.std
    features = (means[:, ::-1] if bgr else means) @ CODES
    np.testing.assert_allclose(found, features / np.linalg.norm(features, axis=1, keepdims=True), atol=1e-5)


def test_a_network_that_is_written_for_one_image_alone_does_not_pass(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"a\.onnx cannot become a bundle") as error:
        import_onnx(
            network(tmp_path / "a.onnx", batch=1, reshape=True), PREPROCESS, tmp_path / "bundle", name="foreign"
        )
    assert "export it again" in (error.value.cure or "")
    assert not (tmp_path / "bundle").exists()


def test_a_network_of_operators_that_nobody_knows_does_not_pass(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot run"):
        import_onnx(network(tmp_path / "a.onnx", unknown=True), PREPROCESS, tmp_path / "bundle", name="foreign")


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "file").touch()
    with pytest.raises(UsageError, match="exists already"):
        import_onnx(network(tmp_path / "a.onnx"), PREPROCESS, tmp_path / "bundle", name="foreign")


def test_a_checkpoint_becomes_a_bundle_that_gives_the_network_s_features(tmp_path: Path) -> None:
    recipe = load_recipe(
        "osnet_x0_25", ["model.neck=none", "model.head.bias=true", "preprocess.height=64", "preprocess.width=32"]
    )
    module: nn.Module = build_network(recipe.model, persons=3)
    names = {name: name.removeprefix("backbone.").replace("head.", "classifier.") for name in module.state_dict()}
    torch.save({names[name]: entry for name, entry in module.state_dict().items()}, tmp_path / "model.pth")

    imported = import_weights_as_bundle(tmp_path / "model.pth", "torchreid", recipe, tmp_path / "bundle")

    assert len(imported.loaded) == len(names)
    bundle = open_bundle(tmp_path / "bundle")
    assert bundle.description.preprocess == recipe.preprocess
    assert [(model.format, model.precision) for model in bundle.description.models] == [("onnx", "fp32")]


def test_weights_to_start_from_are_not_bundled(tmp_path: Path) -> None:
    recipe = load_recipe("baseline", ["model.backbone={name: resnet18}", "preprocess.height=64", "preprocess.width=32"])
    backbone = build_network(recipe.model, persons=0).backbone
    torch.save(backbone.state_dict(), tmp_path / "resnet18.pth")

    with pytest.raises(WeightsError, match="a starting point for training"):
        import_weights_as_bundle(tmp_path / "resnet18.pth", "torchvision", recipe, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
