"""What the demo trains and exports."""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from reseen.assess.evaluate import embed_split
from reseen.bundle.bundle import open_bundle
from reseen.datasets.evaluation_split import evaluation_split
from reseen.datasets.manifest import Manifest
from reseen.demo import training as demo_training
from reseen.demo.training import learn
from reseen.models.embedder import NetworkEmbedder
from reseen.models.weights import load_network
from reseen.recipe.schema import Recipe

SmallRecipe = Callable[..., Recipe]


def test_a_network_is_trained_measured_and_exported(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    recipe = small_recipe("training.epochs=1")

    learnt = learn(recipe, people, tmp_path, torch.device("cpu"))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "comparison.png", "run", "search.html"]
    assert len(learnt.losses) == 1
    assert learnt.before.metrics.queries == learnt.after.metrics.queries == len(people.split("query"))
    assert learnt.manifest is people
    assert learnt.exported is not None
    assert learnt.exported.bundle == open_bundle(tmp_path / "bundle")
    assert learnt.exported.shown.searched == len(people.split("gallery"))


def test_untrained_means_the_network_that_training_started_from(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path
) -> None:
    # At such a rate a step moves nothing but batch norm's averages; with those put back, nothing has changed.
    recipe = small_recipe("training.epochs=1", "optimizer.learning_rate=1.0e-12")
    learnt = learn(recipe, people, tmp_path, torch.device("cpu"))

    path = tmp_path / "run" / "checkpoints" / "best.safetensors"
    weights = safetensors.torch.load_file(path)
    for name, value in weights.items():
        if name.endswith(("running_mean", "running_var")):
            value.fill_(float(name.endswith("var")))
    safetensors.torch.save_file(weights, path)
    features = embed_split(
        NetworkEmbedder(load_network(recipe.model, path), recipe.preprocess), evaluation_split(people)
    )
    np.testing.assert_allclose(features.query_features, learnt.before.retrieval.query_features, atol=1e-5)


def test_without_the_libraries_that_export_the_bundle_is_left_out(
    people: Manifest, small_recipe: SmallRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_of_onnx(name: str) -> ModuleSpec | None:
        return None if name == "onnx" else ModuleSpec(name, None)

    monkeypatch.setattr(demo_training, "find_spec", none_of_onnx)

    assert learn(small_recipe("training.epochs=1"), people, tmp_path, torch.device("cpu")).exported is None
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
