from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from reseen.errors import WeightsError
from reseen.models.foreign.import_weights import Imported
from reseen.recipe.schema import Recipe

Entries = dict[str, Tensor]
MakeRecipe = Callable[..., Recipe]
Import = Callable[[object, str, Recipe], Imported]
RESNET18 = "model.backbone={name: resnet18, last_stride: 1, stem_relu: true, max_pool: ceil}"
GEM = "model.pooling={name: gem, p: 5}"


@pytest.fixture
def state(resnet18_with_neck: Callable[[str, str, str], Entries]) -> Entries:
    """As version 1.3 saves it."""
    return resnet18_with_neck("backbone.", "heads.bottleneck.0", "heads")


def test_it_computes_the_same_as_from_its_names(
    recipe: MakeRecipe, state: Entries, imported: Import, computed_alike: Callable[..., None], tmp_path: Path
) -> None:
    ours = recipe("softmax_triplet", RESNET18)

    told = imported({"model": state, "iteration": 3}, "fastreid", ours)

    computed_alike(ours, tmp_path / "w.safetensors", state, "backbone.", "heads.bottleneck.0", relu=True, ceil=True)
    assert told.loaded["heads.weight"] == "head.weight"
    assert not told.dropped


def test_learnt_pooling_comes_along(
    recipe: MakeRecipe, state: Entries, imported: Import, computed_alike: Callable[..., None], tmp_path: Path
) -> None:
    ours, neck = recipe("softmax_triplet", RESNET18, GEM), "heads.bottleneck.0"

    imported({"model": state | {"heads.pool_layer.p": torch.tensor([2.5])}}, "fastreid", ours)

    computed_alike(ours, tmp_path / "w.safetensors", state, "backbone.", neck, p=2.5, relu=True, ceil=True)


def test_version_1_0_keeps_its_classifier_and_normalisation_elsewhere(
    recipe: MakeRecipe, state: Entries, imported: Import
) -> None:
    state["heads.classifier.weight"] = state.pop("heads.weight")
    state["heads.classifier.t"] = torch.zeros(1)
    state["pixel_mean"] = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
    state["pixel_std"] = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)

    told = imported({"model": state}, "fastreid", recipe("softmax_triplet", RESNET18))

    assert told.loaded["heads.classifier.weight"] == "head.weight"
    assert told.dropped.keys() == {"heads.classifier.t", "pixel_mean", "pixel_std"}
    assert "same numbers" in told.dropped["pixel_mean"]


@pytest.mark.parametrize("mean", [[127.5, 127.5, 127.5], [123.675], [103.53, 116.28, 123.675]])
def test_another_normalisation_is_refused(
    mean: list[float], recipe: MakeRecipe, state: Entries, imported: Import
) -> None:
    held = {"model": state | {"pixel_mean": torch.tensor(mean)}}

    with pytest.raises(WeightsError, match="a different normalisation"):
        imported(held, "fastreid", recipe("softmax_triplet", RESNET18))


def test_version_0_1_pools_as_torchvision_does(recipe: MakeRecipe, state: Entries, imported: Import) -> None:
    first = {name.replace("heads.bottleneck.0", "heads.bnneck"): entry for name, entry in state.items()}
    first["heads.classifier.weight"] = first.pop("heads.weight")
    padded = recipe("softmax_triplet", RESNET18, "model.backbone.max_pool=padded")

    told = imported({"model": first}, "fastreid", padded)

    assert told.loaded["heads.bnneck.running_var"] == "neck.running_var"
    with pytest.raises(WeightsError, match="max_pool=ceil"):
        imported({"model": state}, "fastreid", padded)


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
    more: Entries, named: str, recipe: MakeRecipe, state: Entries, imported: Import
) -> None:
    with pytest.raises(WeightsError, match=named):
        imported({"model": state | more}, "fastreid", recipe("softmax_triplet", RESNET18))
