"""Every published recipe trains from real weights on real Market-1501 images, and evaluates on real images."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from reseen.assess.evaluate import embed_split, evaluate_retrieval
from reseen.datasets.evaluation_split import evaluation_split
from reseen.datasets.open import open_dataset
from reseen.models.load_embedder import load_embedder
from reseen.recipe.load import load_recipe
from reseen.runs.plan import TrainingRun
from reseen.runs.run_training import run_training

CPU = torch.device("cpu")
FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
FROM_PARTIAL_WEIGHTS = (
    "model.backbone.stride_on=1x1",
    'model.pretrained.expected_missing=["layer4.0.conv[23].*","layer4.0.bn[23].*","layer4.0.downsample.*","layer4.[12].*"]',
)
TWO_STEPS = ("sampler.persons=4", "sampler.images_per_person=2", "training.epochs=1")


@pytest.fixture(scope="module")
def excerpt(market1501: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of real images: four people to train on; three queries' people, distractors and junk.

    Of the eight queries five are valid: all images of 0001 in the gallery are by camera 1, as is one of its three
    queries, and 0004, who has two, is not in the gallery.
    """
    train, query, gallery = (sorted((market1501 / folder).glob("*.jpg")) for folder in FOLDERS.values())
    chosen = {
        "train": [path for person in ("0002", "0007", "0010", "0011") for path in of_person(train, person)[:4]],
        "query": [path for person in ("0001", "0003", "0004") for path in of_person(query, person)[:3]][:8],
        "gallery": [path for person in ("0001", "0003", "0000", "-1_c") for path in of_person(gallery, person)[:8]],
    }
    manifest = tmp_path_factory.mktemp("excerpt") / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "person", "camera", "split"])
        for split, paths in chosen.items():
            writer.writerows((path, *person_and_camera(path), split) for path in paths)
    return manifest


def of_person(paths: list[Path], person: str) -> list[Path]:
    return [path for path in paths if path.name.startswith(person)]


def person_and_camera(path: Path) -> tuple[str, str]:
    """As the file's name says: 0002_c1s1_000451_03.jpg."""
    person, rest = path.name.split("_", 1)
    return person, rest[1]


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Path]:
    """A run's folder; its checkpoints, half a gigabyte of a ResNet-50, do not outlive the test."""
    yield tmp_path / "run"
    shutil.rmtree(tmp_path / "run", ignore_errors=True)


def trained(output: Path) -> dict[str, Tensor]:
    return safetensors.torch.load_file(output / "checkpoints" / "latest.safetensors")


def check_log(output: Path, losses: set[str]) -> dict[str, float]:
    """Check what two steps and an evaluation leave behind; the evaluation's figures."""
    epoch, evaluation = map(json.loads, (output / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    assert epoch["iterations"] == 2
    assert epoch["losses"].keys() == losses | {"total"}
    assert all(np.isfinite(value) and value > 0 for value in epoch["losses"].values())
    figures: dict[str, float] = evaluation["metrics"]
    assert (figures["queries"], figures["skipped"]) == (5, 3)
    assert all(0 < figures[name] <= 1 for name in ("recall1", "recall5", "recall10", "mAP", "mINP"))
    return figures


@pytest.mark.parametrize(
    ("recipe_name", "losses", "learning_rate"),
    [
        ("baseline", {"cross_entropy", "triplet"}, 3.5e-4),
        ("softmax_triplet", {"cross_entropy", "triplet"}, 3.5e-6),
        ("softmax_triplet_with_center", {"cross_entropy", "triplet", "center"}, 3.5e-6),
    ],
)
def test_a_published_recipe_trains_from_partial_imagenet_weights_and_evaluates(
    recipe_name: str,
    losses: set[str],
    learning_rate: float,
    excerpt: Path,
    imagenet_weights: Path,
    output: Path,
) -> None:
    start = f"model.pretrained.path={imagenet_weights}"
    recipe = load_recipe(recipe_name, [*FROM_PARTIAL_WEIGHTS, start, *TWO_STEPS])

    run_training(TrainingRun(recipe, open_dataset(excerpt), output, CPU))

    check_log(output, losses)
    assert "220 loaded\n  45 missing: layer4.0.conv2.weight" in (output / "train.log").read_text(encoding="utf-8")
    # Adam moves a weight by about the learning rate a step: what is that near its file's value started from it.
    network = trained(output)
    with np.load(imagenet_weights) as stored:
        for name in ("conv1.weight", "layer1.0.conv1.weight", "layer3.5.conv3.weight", "layer4.0.conv1.weight"):
            moved = (network[f"backbone.{name}"] - torch.from_numpy(stored[name])).abs().max().item()
            assert 0.5 * learning_rate < moved < 3 * learning_rate
    assert network["backbone.layer4.2.conv3.weight"].std() > 0
    assert network["head.weight"].shape == (4, 2048)
    assert ("head.bias" in network) == (recipe_name == "baseline")
    assert ("neck.weight" in network) == (recipe_name != "baseline")


def test_osnet_trains_from_scratch_and_evaluates(excerpt: Path, output: Path) -> None:
    recipe = load_recipe("osnet_x0_25", ["preprocess.height=128", "preprocess.width=64", *TWO_STEPS])
    manifest = open_dataset(excerpt)

    run_training(TrainingRun(recipe, manifest, output, CPU))
    embedder = load_embedder(recipe, output / "checkpoints" / "best", CPU)
    found = evaluate_retrieval(embed_split(embedder, evaluation_split(manifest)))

    measured = check_log(output, {"cross_entropy", "triplet"})
    assert {name: found.figures()[name] for name in measured} == measured
    assert found.retrieval.query_features.shape == (8, 512)
    assert found.retrieval.gallery_features.shape == (8 + 8 + 8, 512)  # junk is not embedded
