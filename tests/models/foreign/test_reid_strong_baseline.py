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
SOURCE = "reid-strong-baseline"
RESNET18 = "model.backbone={name: resnet18, last_stride: 1}"


@pytest.fixture
def state(resnet18_with_neck: Callable[[str, str, str], Entries]) -> Entries:
    """As it is saved with a neck."""
    return resnet18_with_neck("base.", "bottleneck", "classifier")


def test_it_computes_the_same_as_from_its_names(
    recipe: MakeRecipe, state: Entries, imported: Import, computed_alike: Callable[..., None], tmp_path: Path
) -> None:
    ours = recipe("softmax_triplet", RESNET18)

    told = imported(state, SOURCE, ours)

    computed_alike(ours, tmp_path / "w.safetensors", state, "base.", "bottleneck", relu=False, ceil=False)
    assert not told.dropped


def test_without_a_neck_its_classifier_has_a_bias(
    recipe: MakeRecipe,
    resnet18_entries: Callable[[str], Entries],
    imported: Import,
    embedded: Callable[[Recipe, Path, Tensor], Tensor],
    images: Tensor,
    tmp_path: Path,
) -> None:
    head = {"classifier.weight": torch.randn(4, 512), "classifier.bias": torch.randn(4)}
    ours = recipe("baseline", RESNET18)

    imported(resnet18_entries("base.") | head, SOURCE, ours)

    assert embedded(ours, tmp_path / "w.safetensors", images).shape == (3, 512)


def test_a_classifier_that_is_not_used_is_dropped(recipe: MakeRecipe, state: Entries, imported: Import) -> None:
    told = imported(state | {"base.fc.weight": torch.zeros(1000, 512)}, SOURCE, recipe("softmax_triplet", RESNET18))

    assert told.dropped == {"base.fc.weight": "an ImageNet classifier that its network has and does not use"}


@pytest.mark.parametrize("ibn", [False, True])
def test_the_relu_after_the_stem_is_in_the_network_with_instance_norm_alone(
    ibn: bool, recipe: MakeRecipe, state: Entries, imported: Import
) -> None:
    ours = recipe("softmax_triplet", RESNET18, f"model.backbone.ibn={ibn}", f"model.backbone.stem_relu={not ibn}")

    with pytest.raises(WeightsError, match=f"stem_relu={str(ibn).lower()}"):
        imported(state, SOURCE, ours)
