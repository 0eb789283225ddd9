"""The demo's bundle, its comparison and its search."""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch
from PIL import Image

from reseen.bundle.bundle import open_bundle
from reseen.datasets.manifest import Manifest
from reseen.recipe.schema import Recipe
from reseen.workflows import demo_bundle
from reseen.workflows.demo_bundle import show_bundle
from reseen.workflows.evaluate import embed_dataset, evaluate_retrieval
from reseen.workflows.load_embedder import load_embedder

SmallRecipe = Callable[..., Recipe]


def test_a_trained_network_is_exported_compared_and_searched_with(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    embedder = load_embedder(small_recipe(), finished_run / "checkpoints" / "best", torch.device("cpu"))
    found = evaluate_retrieval(embed_dataset(embedder, people))

    shown = show_bundle(embedder.network, small_recipe(), people, found, tmp_path)

    assert shown is not None
    assert shown.searched == len(people.split("gallery"))
    assert shown.bytes == (tmp_path / "bundle" / "model.onnx").stat().st_size
    assert -1 <= shown.compared.score <= 1
    assert shown.compared.verdict is None
    assert open_bundle(tmp_path / "bundle").description.models[0].parity == shown.parity
    with Image.open(tmp_path / "comparison.png") as picture:
        assert picture.width > 600
    assert (tmp_path / "search.html").read_text(encoding="utf-8").count("<img") >= 3 * (1 + demo_bundle.ENTRIES)


def test_without_the_libraries_that_export_it_is_left_out(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = load_embedder(small_recipe(), finished_run / "checkpoints" / "best", torch.device("cpu"))
    found = evaluate_retrieval(embed_dataset(embedder, people))

    def none_of_onnx(name: str) -> ModuleSpec | None:
        return None if name == "onnx" else ModuleSpec(name, None)

    monkeypatch.setattr(demo_bundle, "find_spec", none_of_onnx)
    assert show_bundle(embedder.network, small_recipe(), people, found, tmp_path) is None
    assert not list(tmp_path.iterdir())
