"""Every command that docs/from-paddleclas.md offers in place of PaddleClas's runs as it stands there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from reseen.models.network import build_network
from reseen.recipe.load import load_recipe
from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

SHORT = (
    "preprocess.height=64",
    "preprocess.width=32",
    "sampler.persons=4",
    "sampler.images_per_person=2",
    "training.epochs=1",
)
"""Added to every training command, so that it takes seconds; evaluation takes the recipe that training saved."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the page names: the dataset and crops, drawn, and random weights.

    What would be downloaded is a block of `bash`, and is not run.
    """
    synthesise(
        tmp_path / "Market-1501-v15.09.15",
        Plan(persons=8, test_persons=8, cameras=2, images_per_camera=2, distractors=2, junk=1, height=64, width=32),
    )
    network = build_network(load_recipe("softmax_triplet", ["model.pretrained=null"]).model, 8)
    weights = {name: value.contiguous() for name, value in network.backbone.state_dict().items()}
    save_file(
        weights | {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)},
        tmp_path / "resnet50.safetensors",
    )
    shutil.copytree(tmp_path / "Market-1501-v15.09.15" / "query", tmp_path / "crops")
    return tmp_path


def test_the_commands_of_the_page_run_one_after_the_other(
    folder: Path,
    blocks: Callable[[str], list[tuple[str, str]]],
    shell: Callable[[str, Path], subprocess.CompletedProcess[str]],
) -> None:
    commands = [line for language, text in blocks("from-paddleclas.md") if not language for line in text.splitlines()]

    assert len(commands) > 5
    for command in commands:
        added = "".join(f" -o {override}" for override in SHORT) if " train " in command else ""
        done = shell(command + added, folder)
        assert done.returncode == 0, f"{command}\n{done.stderr}"

    output = folder / "output"
    assert {path.name for path in output.iterdir()} == {"center", "four"}
    assert "rank-1" in (output / "center" / "eval.log").read_text(encoding="utf-8")
    assert (output / "four" / "checkpoints" / "latest.safetensors").is_file()
