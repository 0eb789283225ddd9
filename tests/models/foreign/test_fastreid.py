from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from reseen.errors import WeightsError
from reseen.models.foreign.import_weights import import_weights
from reseen.recipe.schema import Recipe

MakeRecipe = Callable[..., Recipe]
Embedded = Callable[[Recipe, Path, Tensor], Tensor]
Make = Callable[[str], dict[str, Tensor]]
RESNET18 = "model.backbone={name: resnet18, last_stride: 1, stem_relu: true, max_pool: ceil}"
GEM = "model.pooling={name: gem, p: 5}"


@pytest.fixture
def state(resnet18_entries: Make, norm_entries: Callable[[str, int], dict[str, Tensor]]) -> dict[str, Tensor]:
    """As version 1.3 saves it."""
    neck = norm_entries("heads.bottleneck.0", 512)
    return resnet18_entries("backbone.") | neck | {"heads.weight": torch.randn(4, 512)}


def test_it_computes_the_same_as_from_its_names(
    recipe: MakeRecipe,
    state: dict[str, Tensor],
    resnet18_maps: Callable[..., Tensor],
    neck_of: Callable[..., Tensor],
    embedded: Embedded,
    images: Tensor,
    tmp_path: Path,
) -> None:
    torch.save({"model": state, "iteration": 3}, tmp_path / "model_final.pth")
    ours = recipe("softmax_triplet", RESNET18)

    imported = import_weights(tmp_path / "model_final.pth", "fastreid", ours, tmp_path / "w.safetensors")

    maps = resnet18_maps(images, state, "backbone.", relu=True, ceil=True, last_stride=1)
    expected = neck_of(maps.mean((2, 3)), state, "heads.bottleneck.0")
    torch.testing.assert_close(embedded(ours, tmp_path / "w.safetensors", images), expected, rtol=1e-4, atol=1e-4)
    assert imported.loaded["heads.weight"] == "head.weight"
    assert not imported.dropped


def test_learnt_pooling_comes_along(
    recipe: MakeRecipe,
    state: dict[str, Tensor],
    resnet18_maps: Callable[..., Tensor],
    neck_of: Callable[..., Tensor],
    embedded: Embedded,
    images: Tensor,
    tmp_path: Path,
) -> None:
    exponent = torch.tensor([2.5])
    torch.save({"model": state | {"heads.pool_layer.p": exponent}}, tmp_path / "model.pth")
    ours = recipe("softmax_triplet", RESNET18, GEM)

    import_weights(tmp_path / "model.pth", "fastreid", ours, tmp_path / "w.safetensors")

    maps = resnet18_maps(images, state, "backbone.", relu=True, ceil=True, last_stride=1)
    pooled = maps.clamp(min=1e-6).pow(exponent).mean((2, 3)).pow(1 / exponent)
    expected = neck_of(pooled, state, "heads.bottleneck.0")
    torch.testing.assert_close(embedded(ours, tmp_path / "w.safetensors", images), expected, rtol=1e-4, atol=1e-4)


def test_version_1_0_keeps_its_classifier_and_normalisation_elsewhere(
    recipe: MakeRecipe, state: dict[str, Tensor], tmp_path: Path
) -> None:
    state["heads.classifier.weight"] = state.pop("heads.weight")
    state["heads.classifier.t"] = torch.zeros(1)
    state["pixel_mean"] = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
    state["pixel_std"] = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)
    torch.save({"model": state}, tmp_path / "model.pth")

    imported = import_weights(
        tmp_path / "model.pth", "fastreid", recipe("softmax_triplet", RESNET18), tmp_path / "w.safetensors"
    )

    assert imported.loaded["heads.classifier.weight"] == "head.weight"
    assert imported.dropped.keys() == {"heads.classifier.t", "pixel_mean", "pixel_std"}
    assert "same numbers" in imported.dropped["pixel_mean"]


@pytest.mark.parametrize("mean", [[127.5, 127.5, 127.5], [123.675], [103.53, 116.28, 123.675]])
def test_another_normalisation_is_refused(
    mean: list[float], recipe: MakeRecipe, state: dict[str, Tensor], tmp_path: Path
) -> None:
    torch.save({"model": state | {"pixel_mean": torch.tensor(mean)}}, tmp_path / "model.pth")

    with pytest.raises(WeightsError, match="another normalisation"):
        import_weights(
            tmp_path / "model.pth", "fastreid", recipe("softmax_triplet", RESNET18), tmp_path / "w.safetensors"
        )


def test_version_0_1_pools_as_torchvision_does(recipe: MakeRecipe, state: dict[str, Tensor], tmp_path: Path) -> None:
    first = {name.replace("heads.bottleneck.0", "heads.bnneck"): entry for name, entry in state.items()}
    first["heads.classifier.weight"] = first.pop("heads.weight")
    torch.save({"model": first}, tmp_path / "first.pth")
    torch.save({"model": state}, tmp_path / "later.pth")
    padded = recipe("softmax_triplet", RESNET18, "model.backbone.max_pool=padded")

    imported = import_weights(tmp_path / "first.pth", "fastreid", padded, tmp_path / "w.safetensors")

    assert imported.loaded["heads.bnneck.running_var"] == "neck.running_var"
    with pytest.raises(WeightsError, match="max_pool=ceil"):
        import_weights(tmp_path / "later.pth", "fastreid", padded, tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"heads.bottleneck.0.weight": torch.zeros(256, 512, 1, 1)}, "of another shape"),  # EMBEDDING_DIM
        ({"backbone.NL_2.0.g.weight": torch.zeros(1)}, r"backbone\.NL_2"),
        ({"backbone.layer1.0.se.fc1.weight": torch.zeros(1)}, r"layer1\.0\.se"),
        ({"heads.pool_layer.p": torch.ones(1)}, r"heads\.pool_layer\.p"),
        ({"heads.classifier.weight": torch.zeros(4, 512)}, "there twice: head.weight"),
    ],
)
def test_what_the_network_here_does_not_compute_is_refused(
    more: dict[str, Tensor], named: str, recipe: MakeRecipe, state: dict[str, Tensor], tmp_path: Path
) -> None:
    torch.save({"model": state | more}, tmp_path / "model.pth")

    with pytest.raises(WeightsError, match=named):
        import_weights(
            tmp_path / "model.pth", "fastreid", recipe("softmax_triplet", RESNET18), tmp_path / "w.safetensors"
        )
