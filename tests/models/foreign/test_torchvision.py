from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from reseen.errors import WeightsError
from reseen.models.foreign.import_weights import import_weights
from reseen.models.network import build_network
from reseen.models.weights import load_network, load_weights
from reseen.recipe.schema import Recipe

MakeRecipe = Callable[..., Recipe]
Make = Callable[[str], dict[str, Tensor]]
RESNET18 = "model.backbone={name: resnet18, last_stride: 1}"


@pytest.fixture
def state(resnet18_entries: Make) -> dict[str, Tensor]:
    return resnet18_entries("") | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_backbone_is_what_training_starts_from(
    suffix: str, recipe: MakeRecipe, state: dict[str, Tensor], tmp_path: Path
) -> None:
    checkpoint = tmp_path / f"resnet18{suffix}"
    save = torch.save if suffix == ".pth" else safetensors.torch.save_file
    save(state, checkpoint)
    ours = recipe("softmax_triplet", RESNET18)

    imported = import_weights(checkpoint, "torchvision", ours, tmp_path / "w.safetensors")

    assert imported.to_start_from
    assert imported.dropped.keys() == {"fc.weight", "fc.bias"}
    assert any("stem_relu true, the recipe has false" in note for note in imported.notes)
    backbone = build_network(ours.model, 0).backbone
    load_weights(backbone, tmp_path / "w.safetensors")
    assert torch.equal(backbone.state_dict()["layer4.1.bn2.running_var"], state["layer4.1.bn2.running_var"])
    with pytest.raises(WeightsError, match=r"missing: neck\.weight"):
        load_network(ours.model, tmp_path / "w.safetensors")


def test_without_a_neck_it_can_be_evaluated_and_computes_what_torchvision_does(
    recipe: MakeRecipe,
    state: dict[str, Tensor],
    resnet18_maps: Callable[..., Tensor],
    embedded: Callable[[Recipe, Path, Tensor], Tensor],
    images: Tensor,
    tmp_path: Path,
) -> None:
    torch.save(state, tmp_path / "resnet18.pth")
    ours = recipe("baseline", RESNET18, "model.backbone.stem_relu=true")

    imported = import_weights(tmp_path / "resnet18.pth", "torchvision", ours, tmp_path / "w.safetensors")

    assert not imported.notes
    expected = resnet18_maps(images, state, "", relu=True, ceil=False, last_stride=1).mean((2, 3))
    torch.testing.assert_close(embedded(ours, tmp_path / "w.safetensors", images), expected, rtol=1e-4, atol=1e-4)


def test_a_learnt_pooling_begins_afresh(recipe: MakeRecipe, state: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(state, tmp_path / "resnet18.pth")
    ours = recipe("softmax_triplet", RESNET18, "model.pooling.name=gem")

    import_weights(tmp_path / "resnet18.pth", "torchvision", ours, tmp_path / "w.safetensors")

    network = build_network(ours.model, 0)
    load_weights(network.backbone, tmp_path / "w.safetensors")
    assert torch.equal(network.backbone.state_dict()["layer4.1.bn2.bias"], state["layer4.1.bn2.bias"])
    assert [value.item() for name, value in network.state_dict().items() if name.endswith(".p")] == [3.0]


@pytest.mark.parametrize(
    "setting", ["stride_on: 1x1, name: resnet50", "max_pool: ceil, name: resnet18", "name: resnet34"]
)
def test_another_network_is_refused(setting: str, recipe: MakeRecipe, state: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(state, tmp_path / "resnet18.pth")

    with pytest.raises(WeightsError):
        import_weights(
            tmp_path / "resnet18.pth",
            "torchvision",
            recipe("baseline", f"model.backbone={{{setting}}}"),
            tmp_path / "w.safetensors",
        )
