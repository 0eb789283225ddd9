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
RESNET18 = "model.backbone={name: resnet18, last_stride: 1}"


@pytest.fixture
def state(resnet18_entries: Make, norm_entries: Callable[[str, int], dict[str, Tensor]]) -> dict[str, Tensor]:
    """As it is saved with a neck."""
    neck = norm_entries("bottleneck", 512)
    return resnet18_entries("base.") | neck | {"classifier.weight": torch.randn(4, 512)}


def test_it_computes_the_same_as_from_its_names(
    recipe: MakeRecipe,
    state: dict[str, Tensor],
    resnet18_maps: Callable[..., Tensor],
    neck_of: Callable[..., Tensor],
    embedded: Embedded,
    images: Tensor,
    tmp_path: Path,
) -> None:
    torch.save(state, tmp_path / "resnet18_model_120.pth", _use_new_zipfile_serialization=False)
    ours = recipe("softmax_triplet", RESNET18)

    imported = import_weights(
        tmp_path / "resnet18_model_120.pth", "reid-strong-baseline", ours, tmp_path / "w.safetensors"
    )

    maps = resnet18_maps(images, state, "base.", relu=False, ceil=False, last_stride=1)
    expected = neck_of(maps.mean((2, 3)), state, "bottleneck")
    torch.testing.assert_close(embedded(ours, tmp_path / "w.safetensors", images), expected, rtol=1e-4, atol=1e-4)
    assert not imported.dropped


def test_without_a_neck_its_classifier_has_a_bias(
    recipe: MakeRecipe, resnet18_entries: Make, embedded: Embedded, images: Tensor, tmp_path: Path
) -> None:
    head = {"classifier.weight": torch.randn(4, 512), "classifier.bias": torch.randn(4)}
    torch.save(resnet18_entries("base.") | head, tmp_path / "model.pth")
    ours = recipe("baseline", RESNET18)

    import_weights(tmp_path / "model.pth", "reid-strong-baseline", ours, tmp_path / "w.safetensors")

    assert embedded(ours, tmp_path / "w.safetensors", images).shape == (3, 512)


def test_a_classifier_that_is_not_used_is_dropped(recipe: MakeRecipe, state: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(state | {"base.fc.weight": torch.zeros(1000, 512)}, tmp_path / "model.pth")

    imported = import_weights(
        tmp_path / "model.pth", "reid-strong-baseline", recipe("softmax_triplet", RESNET18), tmp_path / "w.safetensors"
    )

    assert imported.dropped == {"base.fc.weight": "an ImageNet classifier that its network has and does not use"}


@pytest.mark.parametrize("ibn", [False, True])
def test_the_relu_after_the_stem_is_in_the_network_with_instance_norm_alone(
    ibn: bool, recipe: MakeRecipe, state: dict[str, Tensor], tmp_path: Path
) -> None:
    torch.save(state, tmp_path / "model.pth")
    ours = recipe("softmax_triplet", RESNET18, f"model.backbone.ibn={ibn}", f"model.backbone.stem_relu={not ibn}")

    with pytest.raises(WeightsError, match=f"stem_relu={str(ibn).lower()}"):
        import_weights(tmp_path / "model.pth", "reid-strong-baseline", ours, tmp_path / "w.safetensors")
