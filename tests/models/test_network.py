from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import nn

from reseen.models.network import ReIDNetwork, build_network
from reseen.models.osnet import OSNet
from reseen.models.resnet import ResNet50
from reseen.recipe import schema

SMALL = schema.OSNet(width=0.25, feature_size=16)
IMAGES = torch.randn(3, 3, 64, 32, generator=torch.Generator().manual_seed(0))


def network(
    *,
    neck: Literal["bnneck", "none"] = "bnneck",
    feature: Literal["before_neck", "after_neck"] = "after_neck",
    persons: int = 7,
) -> ReIDNetwork:
    return build_network(schema.Model(backbone=SMALL, neck=neck, feature=feature), persons)


@pytest.mark.parametrize(("settings", "kind", "size"), [(SMALL, OSNet, 16), (schema.ResNet(), ResNet50, 2048)])
def test_the_recipe_chooses_the_backbone(settings: schema.Backbone, kind: type[nn.Module], size: int) -> None:
    built = build_network(schema.Model(backbone=settings), persons=5)
    assert isinstance(built.backbone, kind)
    assert built.feature_size == size
    assert built.head is not None
    assert built.head.weight.shape == (5, size)


def test_head_reads_the_feature_after_the_neck() -> None:
    built = network()
    outputs = built(IMAGES)
    assert built.head is not None
    torch.testing.assert_close(outputs.after_neck.mean(dim=0), torch.zeros(16), atol=1e-5, rtol=0)
    assert not torch.allclose(outputs.before_neck, outputs.after_neck)
    torch.testing.assert_close(outputs.logits, outputs.after_neck @ built.head.weight.T)
    assert outputs.logits.shape == (3, 7)


def test_without_a_neck_there_is_one_feature() -> None:
    outputs = network(neck="none")(IMAGES)
    assert outputs.before_neck is outputs.after_neck


@pytest.mark.parametrize("feature", ["before_neck", "after_neck"])
def test_embeds_the_feature_of_the_recipe(feature: Literal["before_neck", "after_neck"]) -> None:
    built = network(feature=feature).eval()
    nn.init.constant_(built.neck.weight, 3.0)  # type: ignore[arg-type]
    with torch.no_grad():
        torch.testing.assert_close(built.embed(IMAGES), getattr(built(IMAGES), feature))


def test_without_persons_there_is_no_head() -> None:
    built = network(persons=0)
    assert built.head is None
    assert built(IMAGES).logits.shape == (3, 0)
    assert not any(name.startswith("head.") for name in built.state_dict())


def test_the_seed_decides_the_initialisation() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([parameter.detach().flatten() for parameter in network().parameters()])

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
