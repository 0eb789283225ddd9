from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import Type, opset13

from reseen.bundle.bundle import open_bundle
from reseen.engines.choose import open_engine
from reseen.engines.engine import EngineOptions
from reseen.errors import UsageError, WeightsError
from reseen.exporting.import_openvino import import_openvino
from reseen.images.preprocess import Preprocess

CODES = np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)
SCALED = Preprocess(height=32, width=16, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))


def network(path: Path, *, channels: int = 3, mixing: bool = False, outputs: int = 1, kind: Type = Type.f32) -> Path:
    """Channel means of the input times a matrix; with `mixing`, images change one another."""
    images = opset13.parameter([1, channels, 32, 16], kind, name="data")
    means = opset13.reduce_mean(opset13.convert(images, "f32"), np.array([2, 3]), keep_dims=False)
    if mixing:
        means = opset13.add(
            means, opset13.multiply(opset13.reduce_max(means, np.array([0]), keep_dims=True), np.float32(9))
        )
    feature = opset13.matmul(means, np.resize(CODES, (channels, 8)), False, False)
    openvino.save_model(openvino.Model([feature] * outputs, [images], "foreign"), path, compress_to_fp16=False)
    return path


def expected(images: np.ndarray, *, bgr: bool, preprocess: Preprocess | None) -> np.ndarray:
    means = images.astype(np.float64).mean((1, 2))
    if preprocess is not None:
        means = (means / 255 - preprocess.mean) / preprocess.std
    features = (means[:, ::-1] if bgr else means) @ CODES
    unit: np.ndarray = features / np.linalg.norm(features, axis=1, keepdims=True)
    return unit


@pytest.mark.parametrize("bgr", [False, True])
@pytest.mark.parametrize("preprocess", [None, SCALED])
def test_a_foreign_file_becomes_a_bundle_that_gives_its_features(
    bgr: bool, preprocess: Preprocess | None, tmp_path: Path
) -> None:
    path = network(tmp_path / "a.xml")

    bundle = import_openvino(path, tmp_path / "bundle", name="foreign", preprocess=preprocess, bgr=bgr)

    assert open_bundle(tmp_path / "bundle").description == bundle.description
    assert (bundle.description.name, bundle.description.feature_size) == ("foreign", 8)
    assert (bundle.description.preprocess.height, bundle.description.preprocess.width) == (32, 16)
    (model,) = bundle.description.models
    assert (model.format, model.precision) == ("openvino", "fp32")
    images = np.random.default_rng(1).integers(0, 256, (5, 32, 16, 3), dtype=np.uint8)
    found = open_engine("openvino", bundle.path(model), EngineOptions()).run(images)
    np.testing.assert_allclose(found, expected(images, bgr=bgr, preprocess=preprocess), atol=1e-5)


def test_what_is_chosen_makes_another_feature_space(tmp_path: Path) -> None:
    path = network(tmp_path / "a.xml")
    spaces = {
        import_openvino(path, tmp_path / str(bgr), name="a", bgr=bgr).description.feature_space for bgr in (False, True)
    }
    assert len(spaces) == 2


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"channels": 1}, "one input"),
        ({"kind": Type.u8}, "one input"),
        ({"outputs": 2}, "one output"),
    ],
)
def test_another_network_is_refused(change: dict[str, object], word: str, tmp_path: Path) -> None:
    path = network(tmp_path / "a.xml", **change)  # type: ignore[arg-type]

    with pytest.raises(WeightsError, match=r"is not a network that can be imported") as refused:
        import_openvino(path, tmp_path / "bundle", name="a", bgr=False)

    assert word in str(refused.value.expected)
    assert not (tmp_path / "bundle").exists()


def test_a_network_that_mixes_images_does_not_pass(tmp_path: Path) -> None:
    path = network(tmp_path / "a.xml", mixing=True)

    with pytest.raises(WeightsError):
        import_openvino(path, tmp_path / "bundle", name="a", bgr=False)

    assert not (tmp_path / "bundle").exists()


def test_a_recipe_of_another_size_is_refused_with_the_size(tmp_path: Path) -> None:
    path = network(tmp_path / "a.xml")

    with pytest.raises(WeightsError) as refused:
        import_openvino(path, tmp_path / "bundle", name="a", preprocess=Preprocess(), bgr=False)

    assert "preprocess.height=32 and preprocess.width=16" in str(refused.value.expected)


def test_a_file_without_its_weights_or_of_something_else_is_refused(tmp_path: Path) -> None:
    path = network(tmp_path / "a.xml")
    path.with_suffix(".bin").unlink()
    (tmp_path / "b.xml").write_text("<a/>")
    (tmp_path / "b.bin").write_bytes(b"")

    for each in (path, tmp_path / "b.xml", tmp_path / "nowhere.xml"):
        with pytest.raises(WeightsError):
            import_openvino(each, tmp_path / "bundle", name="a", bgr=False)


def test_a_folder_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "mine").write_text("")

    with pytest.raises(UsageError):
        import_openvino(network(tmp_path / "a.xml"), tmp_path / "bundle", name="a", bgr=False)
