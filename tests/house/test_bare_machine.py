"""Training and basic evaluation on a machine that has torch and little else: no typer, no rich, no jaxtyping."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

Python = Callable[..., subprocess.CompletedProcess[str]]

BARE = ("numpy", "scipy", "Pillow", "PyYAML", "pydantic", "torch", "safetensors")
SMALL: tuple[str, ...] = ("preprocess={height: 32, width: 16}", "model.backbone.widths=[4, 8]", "training.epochs=1")
SMALL += ("sampler={persons: 2, images_per_person: 2}",)


@pytest.fixture(scope="module")
def bare_python(python_with: Callable[[Sequence[str]], Python]) -> Python:
    return python_with(BARE)


def test_nothing_else_can_be_imported_there(bare_python: Python) -> None:
    others = ("typer", "click", "rich", "jaxtyping", "onnxruntime", "tensorboard", "pyarrow", "faiss", "pytest")
    program = "import importlib.util as u, sys; print([name for name in sys.argv[1:] if u.find_spec(name)])"

    done = bare_python("-c", program, "torch", *others)

    assert done.stdout.strip() == "['torch']", done.stderr


def test_one_epoch_is_trained_and_evaluated(bare_python: Python, tmp_path: Path) -> None:
    people, run = tmp_path / "people", tmp_path / "run"
    synthesise(people, Plan(persons=3, test_persons=2, cameras=2, images_per_camera=2, height=32, width=16))
    overrides = [argument for each in SMALL for argument in ("-o", each)]
    train = ["train", "-c", "tiny", *overrides, "--data", people, "--output", run, "--json"]
    weights = ["--weights", run / "checkpoints" / "best", "--rerank", "--json"]

    trained = bare_python("-m", "reseen", *train)
    evaluated = bare_python("-m", "reseen", "evaluate", "-c", run / "recipe.yaml", "--data", people, *weights)

    assert (trained.returncode, evaluated.returncode) == (0, 0), trained.stderr + evaluated.stderr
    assert json.loads(trained.stdout)["epochs"] == 1
    assert json.loads(evaluated.stdout)["queries"] == json.loads(trained.stdout)["last"]["queries"]
    assert "no TensorBoard curves" in (run / "train.log").read_text(encoding="utf-8")
