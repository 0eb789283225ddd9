"""What is written when everything agrees, and that nothing is when something does not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reseen.bundle.bundle import CARD, open_bundle
from reseen.bundle.description import Model, feature_space
from reseen.engines.load import load
from reseen.errors import ExportError, UsageError
from reseen.exporting.export import About, Target, export_bundle
from reseen.exporting.source import Source

FP32: Target = ("onnx", "fp32")
FP16: Target = ("onnx", "fp16")


def test_a_bundle_holds_what_was_asked_for(small_source: Source, small_bundle: Path) -> None:
    description = open_bundle(small_bundle).description
    assert [(model.format, model.precision) for model in description.models] == [FP32, FP16]
    assert {model.feature_space for model in description.models} == {description.feature_space}
    assert description.feature_space == feature_space(small_source.preprocess, small_source.weights_sha256)
    assert sorted(path.name for path in small_bundle.iterdir()) == ["bundle.json", *sorted(description.files)]


@pytest.mark.parametrize("batch", [1, 2, 7, 32, 33])
def test_a_loaded_bundle_gives_the_network_s_features(small_source: Source, small_bundle: Path, batch: int) -> None:
    images = np.random.default_rng(batch).integers(0, 256, (batch, 64, 32, 3), dtype=np.uint8)
    with load(small_bundle) as embedder:
        np.testing.assert_allclose(embedder.embed(list(images)), small_source.run(images), atol=1e-6)


def test_a_model_is_added_to_a_bundle_of_the_same_weights(small_source: Source, tmp_path: Path) -> None:
    folder, told = tmp_path / "bundle", list[Model]()
    export_bundle(small_source, [FP32], folder, About("first"))
    before = open_bundle(folder).description
    export_bundle(small_source, [FP16, FP16], folder, About("second"), done=told.append)
    after = open_bundle(folder).description
    assert [model.precision for model in after.models] == ["fp32", "fp16"]
    assert [model.precision for model in told] == ["fp16"]
    assert (after.name, after.feature_space) == ("first", before.feature_space)


def test_two_that_export_into_one_bundle_both_add_to_it(small_source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    export_bundle(small_source, [FP32], folder, About("first"))

    def export_meanwhile(_model: Model) -> None:
        export_bundle(small_source, [("mnn", "fp16")], folder, About("other"))

    export_bundle(small_source, [FP16], folder, About("second"), done=export_meanwhile)

    models = open_bundle(folder).description.models
    assert {(each.format, each.precision) for each in models} == {("onnx", "fp32"), ("onnx", "fp16"), ("mnn", "fp16")}


def test_exporting_again_replaces_the_model(small_source: Source, small_bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(small_bundle, folder)
    assert open_bundle(export_bundle(small_source, [FP32], folder, About("again")).folder).description.models


def test_a_card_stays_until_another_is_given(small_source: Source, tmp_path: Path) -> None:
    for card in (b"first", None, b"second"):
        bundle = export_bundle(small_source, [FP32], tmp_path / "bundle", About("small", card=card))
        assert (bundle.folder / CARD).read_bytes() == (card or b"first")
        assert open_bundle(bundle.folder).description.files.keys() == {CARD, "model.onnx"}


def test_a_bundle_of_other_weights_is_in_the_way(small_source: Source, small_bundle: Path) -> None:
    other = replace(small_source, weights_sha256="0" * 64)
    with pytest.raises(UsageError, match="another model"):
        export_bundle(other, [FP32], small_bundle, About("other"))


def test_a_folder_with_other_files_is_in_the_way(small_source: Source, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        export_bundle(small_source, [FP32], tmp_path, About("small"))


def test_nothing_is_written_when_a_model_does_not_agree(small_source: Source, tmp_path: Path) -> None:
    backwards = replace(small_source, run=lambda images: small_source.run(images[..., ::-1].copy()))
    with pytest.raises(ExportError, match="does not give the features"):
        export_bundle(backwards, [FP32], tmp_path / "bundle", About("small"))
    assert not (tmp_path / "bundle").exists()


def test_int8_needs_images(small_source: Source, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="int8 needs images"):
        export_bundle(small_source, [("openvino", "int8")], tmp_path / "bundle", About("small"))


def test_a_pair_that_there_is_not_is_refused(small_source: Source, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot export onnx in int8"):
        export_bundle(small_source, [("onnx", "int8")], tmp_path / "bundle", About("small"))
