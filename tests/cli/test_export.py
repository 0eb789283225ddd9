"""`reseen export`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reseen.bundle.bundle import CARD, open_bundle
from reseen.datasets.manifest import Manifest
from reseen.engines.load import load
from reseen.images.decode import decode_image
from reseen.models.load_embedder import load_embedder
from reseen.recipe.load import load_recipe
from reseen.runs.device import choose_device


@pytest.fixture
def run_options(finished_run: Path) -> list[str]:
    return ["-c", str(finished_run / "recipe.yaml"), "--weights", str(finished_run / "checkpoints" / "best")]


def test_a_trained_run_becomes_a_bundle_that_gives_its_features(
    reseen: Callable[..., Any], run_options: list[str], finished_run: Path, people: Manifest, tmp_path: Path
) -> None:
    figures = {"recall1": 0.5, "recall5": 0.6, "recall10": 0.7, "mAP": 0.4, "mINP": 0.1}
    (tmp_path / "metrics.json").write_text(json.dumps(figures))
    (tmp_path / "card.md").write_text("# Mine")
    answer = reseen(
        "export", *run_options, "--output", tmp_path / "bundle", "--precision", "fp32", "--precision", "fp16",
        "--metrics", tmp_path / "metrics.json", "--training-data", "drawn people", "--licence", "free", "--json",
        "--card", tmp_path / "card.md",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    described = json.loads(answer.out)
    assert described == open_bundle(tmp_path / "bundle").description.model_dump(mode="json")
    assert described["metrics"] == {"evaluation": figures}
    assert described["training_data"] == {"name": "drawn people", "licence": "free"}
    assert "onnx fp16: cosine ≥ " in answer.err
    assert (tmp_path / "bundle" / CARD).read_text() == "# Mine"
    assert CARD in described["files"]

    paths = [sample.path for sample in people.split("query")[:5]]
    recipe = load_recipe(str(finished_run / "recipe.yaml"))
    trained = load_embedder(recipe, finished_run / "checkpoints" / "best", choose_device("cpu"))
    with load(tmp_path / "bundle") as embedder:
        np.testing.assert_allclose(embedder.embed(paths), trained.embed([decode_image(p) for p in paths]), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--precision", "int8"], "cannot export onnx in int8"),
        (["--name", "n" * 101], "the description of the model is too long"),
        (["--training-data", "d" * 2001, "--licence", "free"], "name or licence is too long"),
        (["--licence", "free"], "--training-data and --licence go together"),
        (["--metrics", "nowhere.json"], "does not hold the figures"),
        (["--card", "nowhere.md"], "nowhere.md cannot be read"),
        (["--card", "/dev/zero"], "/dev/zero cannot be read"),
        (["--card", "/dev/null"], "/dev/null cannot be read"),
        (["--card", sys.executable], "cannot be read"),
        (["--calibration-data", "nowhere"], "nowhere"),
        (["-o", "preprocess.height=128"], "different preprocessing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_used(
    reseen: Callable[..., Any],
    well_told: Callable[[Any], bool],
    run_options: list[str],
    tmp_path: Path,
    options: list[str],
    what: str,
) -> None:
    answer = reseen("export", *run_options, "--output", tmp_path / "bundle", *options)
    assert answer.code == 2
    assert what in answer.err
    assert well_told(answer)
    assert not (tmp_path / "bundle").exists()


def test_a_folder_that_holds_something_else(
    reseen: Callable[..., Any], well_told: Callable[[Any], bool], run_options: list[str], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    answer = reseen("export", *run_options, "--output", tmp_path)
    assert answer.code == 2
    assert well_told(answer)
