from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from reseen.errors import WeightsError
from reseen.models.foreign.import_weights import Imported
from reseen.models.network import build_network
from reseen.models.weights import load_weights
from reseen.recipe.schema import Recipe

MakeRecipe = Callable[..., Recipe]
SOURCE = "efficientnet-lite"
CUT = "model.backbone={name: efficientnet_lite0, blocks: 11, feature_size: 32}"


def test_the_whole_backbone_is_what_training_starts_from(
    imported: Callable[..., Imported], recipe: MakeRecipe, lite0_entries: dict[str, Tensor], tmp_path: Path
) -> None:
    ours = recipe("efficientnet_lite0")

    found = imported(lite0_entries, SOURCE, ours)

    assert found.to_start_from
    assert found.dropped.keys() == {"_fc.weight", "_fc.bias"}
    backbone = build_network(ours.model, 0).backbone
    load_weights(backbone, tmp_path / "w.safetensors")
    state = backbone.state_dict()
    for here, there in (
        ("stem.0.weight", "_conv_stem.weight"),
        ("stem.1.running_mean", "_bn0.running_mean"),
        ("blocks.0.depthwise.1.running_var", "_blocks.0._bn1.running_var"),
        ("blocks.4.expand.1.bias", "_blocks.4._bn0.bias"),
        ("blocks.15.project.0.weight", "_blocks.15._project_conv.weight"),
        ("blocks.15.project.1.weight", "_blocks.15._bn2.weight"),
        ("head.0.weight", "_conv_head.weight"),
        ("head.1.running_var", "_bn1.running_var"),
    ):
        assert torch.equal(state[here], lite0_entries[there]), here


def test_a_cut_backbone_ends_with_what_the_next_block_begins_with(
    imported: Callable[..., Imported], recipe: MakeRecipe, lite0_entries: dict[str, Tensor], tmp_path: Path
) -> None:
    ours = recipe("efficientnet_lite0", CUT)

    found = imported(lite0_entries, SOURCE, ours)

    assert found.loaded["_blocks.11._expand_conv.weight"] == "backbone.head.0.weight"
    assert {"_blocks.11._depthwise_conv.weight", "_blocks.12._bn0.bias", "_bn1.weight"} < found.dropped.keys()
    backbone = build_network(ours.model, 0).backbone
    load_weights(backbone, tmp_path / "w.safetensors", expected_missing=["embedding.*"])
    assert torch.equal(backbone.state_dict()["head.1.running_var"], lite0_entries["_blocks.11._bn0.running_var"])


@pytest.mark.parametrize(
    ("name", "overrides"), [("efficientnet_lite2", ()), ("osnet_x0_25", ()), ("efficientnet_lite0", ("more",))]
)
def test_another_network_is_refused(
    imported: Callable[..., Imported],
    recipe: MakeRecipe,
    lite0_entries: dict[str, Tensor],
    name: str,
    overrides: tuple[str, ...],
) -> None:
    extra = {"_blocks.1._se_reduce.weight": torch.zeros(4, 4, 1, 1)} if overrides else {}
    with pytest.raises(WeightsError):
        imported(lite0_entries | extra, SOURCE, recipe(name))
