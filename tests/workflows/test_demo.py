from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from reseen.datasets.synthetic.plan import Plan
from reseen.errors import UsageError
from reseen.models.embedder import NetworkEmbedder
from reseen.models.weights import load_network
from reseen.workflows.demo import Demo, run_demo
from reseen.workflows.evaluate import embed_dataset

PLAN = Plan(persons=6, test_persons=4, cameras=3, images_per_camera=2, distractors=3, junk=2, height=64, width=32)
OVERRIDES = (
    "preprocess.height=64",
    "preprocess.width=32",
    "model.backbone.widths=[8, 16]",
    "sampler.persons=3",
    "sampler.images_per_person=2",
    "training.epochs=1",
)


def demo(output: Path, *overrides: str) -> Demo:
    return Demo(output, torch.device("cpu"), PLAN, "tiny", [*OVERRIDES, *overrides])


def test_the_whole_way_leaves_people_a_run_pictures_and_a_page(tmp_path: Path) -> None:
    stages: dict[str, int] = {}
    told: list[str] = []

    results = run_demo(
        demo(tmp_path / "demo"),
        [lambda event: told.append(type(event).__name__)],
        lambda stage, done, total: stages.update({stage: done}) if done == total else None,
    )

    assert stages == {"drawing": PLAN.images, "reading": 36, "gallery": 15, "query": 12, "exporting": 1}
    assert "Evaluated" in told
    left = ["bundle", "comparison.png", "people", "ranked_lists.png", "report.html", "run", "search.html"]
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == left
    assert results.bundle is not None
    assert results.bundle.searched == 15
    assert len(results.losses) == 1
    assert results.before.metrics.queries == results.after.metrics.queries == 12
    assert results.seconds > 0
    line = (tmp_path / "demo" / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    measured = json.loads(line)["metrics"]
    assert {name: results.after.figures()[name] for name in measured} == measured


def test_untrained_means_the_network_that_training_started_from(tmp_path: Path) -> None:
    # At such a rate a step moves nothing but batch norm's averages; with those put back, nothing has changed.
    results = run_demo(demo(tmp_path / "demo", "optimizer.learning_rate=1.0e-12"))

    path = tmp_path / "demo" / "run" / "checkpoints" / "best.safetensors"
    weights = safetensors.torch.load_file(path)
    for name, value in weights.items():
        if name.endswith(("running_mean", "running_var")):
            value.fill_(float(name.endswith("var")))
    safetensors.torch.save_file(weights, path)
    network = load_network(results.recipe.model, path)
    features = embed_dataset(NetworkEmbedder(network, results.recipe.preprocess), results.manifest).query_features
    np.testing.assert_allclose(features, results.before.retrieval.query_features, atol=1e-5)


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")

    with pytest.raises(UsageError, match="is in the way"):
        run_demo(demo(tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
