from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reseen.datasets.manifest import Manifest
from reseen.engines.load import load
from reseen.errors import DatasetError, FeaturesError, UsageError
from reseen.recipe.schema import QueryExpansion
from reseen.verbs.evaluate import evaluate


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """Two queries, of which one finds its match first and the other second."""
    turned = np.deg2rad([0.0, 90.0, 5.0, 84.0, 80.0])
    path = tmp_path / "features.npz"
    np.savez(
        path,
        features=np.stack([np.cos(turned), np.sin(turned)], axis=1),
        persons=np.array([1, 2, 1, 3, 2]),
        cameras=np.array([1, 1, 2, 2, 2]),
        splits=np.array(["query"] * 2 + ["gallery"] * 3),
    )
    return path


def test_stored_features_are_evaluated_and_kept(features: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"

    found = evaluate(features=features, output=output)

    assert list(found.each) == ["features"]
    assert (found.figures()["recall1"], found.figures()["recall5"]) == (0.5, 1.0)
    assert json.loads((output / "metrics.json").read_text(encoding="utf-8")) == found.figures()
    assert json.loads((output / "evaluation.json").read_text(encoding="utf-8"))["command"].startswith("reseen.evaluate")


def test_a_run_is_evaluated_with_its_recipe_and_best_weights(finished_run: Path, people: Manifest) -> None:
    stages: list[str] = []

    found = evaluate(finished_run, people, on_progress=lambda stage, done, total: stages.append(stage))

    weights = finished_run / "checkpoints" / "best"
    by_hand = evaluate(data=people.root, recipe=finished_run / "recipe.yaml", weights=weights)
    assert found.figures() == by_hand.figures()
    assert list(dict.fromkeys(stages)) == ["gallery", "query"]
    lines = (finished_run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    measured = [line["metrics"]["mAP"] for line in map(json.loads, lines) if line["kind"] == "evaluation"]
    assert found.figures()["mAP"] in measured


def test_a_bundle_is_named_or_loaded(small_bundle: Path, people: Manifest) -> None:
    named = evaluate(small_bundle, people, precision="fp16")
    with load(small_bundle, precision="fp16") as embedder:
        loaded = evaluate(embedder, [people])
        assert embedder.embed([people.samples[0].path]).shape == (1, embedder.feature_size)  # still open

    assert named.figures() == loaded.figures()


def test_how_to_re_rank_can_be_said_in_several_ways(finished_run: Path, small_bundle: Path, people: Manifest) -> None:
    recipe = finished_run / "recipe.yaml"
    plain = evaluate(small_bundle, people).figures()["mAP"]

    default = evaluate(small_bundle, people, rerank=True, recipe=recipe, overrides={"evaluation.reranking.k1": 5})
    written = evaluate(small_bundle, people, rerank=True, recipe=recipe, overrides=["evaluation.reranking.k1=5"])
    method = evaluate(small_bundle, people, rerank_method="query_expansion")

    assert default.figures() == written.figures()
    assert default.figures()["mAP"] != plain
    assert isinstance(method.each[people.name].reranking, QueryExpansion)
    with pytest.raises(UsageError, match="too little memory"):
        evaluate(small_bundle, people, rerank_method="query_expansion", memory=0.02)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"recipe": "tiny"},
        {"recipe": "tiny", "weights": "best"},
        {"data": ".", "weights": "best"},
        {"features": "f.npz", "data": "."},
        {"features": "f.npz", "weights": "best"},
        {"features": "f.npz", "flip": True},
        {"features": "f.npz", "model": "b"},
        {"model": "b"},
        {"model": "b", "data": ".", "weights": "best"},
        {"model": "b", "data": ".", "flip": True},
    ],
    ids=lambda given: " ".join(given) or "nothing",
)
def test_what_is_not_clear_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="not clear what to evaluate"):
        evaluate(**given)


@pytest.mark.parametrize("overrides", [["seed=1"], {"seed": 1}], ids=["as -o", "as a mapping"])
@pytest.mark.parametrize("given", [{"model": "b", "data": "."}, {"features": "f.npz"}], ids=["bundle", "features"])
def test_overrides_without_a_recipe_are_refused(given: dict[str, Any], overrides: Any) -> None:
    with pytest.raises(UsageError, match="-o changes a recipe, but none is given") as refused:
        evaluate(**given, overrides=overrides)
    assert str(refused.value.got).startswith("-o seed")


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(FeaturesError, match=r"cannot read the features in missing\.npz"):
        evaluate(features="missing.npz")
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        evaluate(recipe="tiny", weights="missing", data="nowhere")


def test_a_dataset_that_cannot_be_evaluated_is_told_before_an_image_of_another_is_read(
    small_bundle: Path, people: Manifest
) -> None:
    without = Manifest(
        "b", people.root / "query", tuple(sample for sample in people.samples if sample.split != "query")
    )
    stages: list[str] = []

    with pytest.raises(DatasetError, match="no query images"):
        evaluate(small_bundle, [people, without], on_progress=lambda stage, done, total: stages.append(stage))

    assert stages == []


def test_features_are_not_written_over(features: Path) -> None:
    with pytest.raises(UsageError, match="would be overwritten"):
        evaluate(features=features, output=features.parent)
