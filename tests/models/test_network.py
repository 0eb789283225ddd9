from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import nn

from reseen.models.head import Head
from reseen.models.linear_head import LinearHead
from reseen.models.margin_head import ArcHead, CosineHead
from reseen.models.mobilenet import MobileNetV3Small
from reseen.models.network import BACKBONES, HEADS, ReIDNetwork, build_head, build_network
from reseen.models.osnet import OSNet
from reseen.models.osnet_ain import OSNetAIN
from reseen.models.pooling import AveragePooling, GeMPooling
from reseen.models.resnet import ResNet
from reseen.models.small_resnet import SmallResNet
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


@pytest.mark.parametrize(
    ("settings", "kind", "size"),
    [
        (SMALL, OSNet, 16),
        (schema.OSNet(name="osnet_ibn", width=0.25), OSNet, 512),
        (schema.OSNet(name="osnet_ain", width=0.25), OSNetAIN, 512),
        (schema.ResNet(), ResNet, 2048),
        (schema.ResNet(name="resnet18"), ResNet, 512),
        (schema.MobileNetV3Small(), MobileNetV3Small, 576),
        (schema.SmallResNet(widths=(8, 12)), SmallResNet, 12),
    ],
    ids=lambda value: getattr(value, "name", None),
)
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


@pytest.mark.parametrize(
    ("settings", "kind"),
    [(schema.LinearHead(), LinearHead), (schema.CosineHead(), CosineHead), (schema.ArcHead(), ArcHead)],
)
def test_the_recipe_chooses_the_head(settings: schema.Head, kind: type[Head]) -> None:
    head = build_head(settings, feature_size=6, persons=4)
    assert type(head) is kind
    assert head.weight.shape == (4, 6)


def test_there_is_a_head_and_a_backbone_for_every_kind_of_the_schema() -> None:
    heads = (schema.LinearHead, schema.CosineHead, schema.ArcHead)
    assert HEADS.keys() == {name for head in heads for name in schema.kinds(head)}
    ours = (schema.ResNet, schema.OSNet, schema.MobileNetV3Small, schema.SmallResNet, schema.EfficientNetLite)
    assert BACKBONES.keys() == {name for backbone in ours for name in schema.kinds(backbone)}


def test_labels_reach_the_margin_of_the_head_and_change_nothing_else() -> None:
    built = build_network(schema.Model(backbone=SMALL, neck="none", head=schema.ArcHead()), persons=3).eval()
    with torch.no_grad():
        plain, labelled = built(IMAGES), built(IMAGES, torch.tensor([0, 1, 2]))
    assert torch.equal(plain.before_neck, labelled.before_neck)
    assert torch.equal(plain.logits != labelled.logits, torch.eye(3, dtype=torch.bool))


@pytest.mark.parametrize("backbone", [SMALL, schema.OSNet(name="osnet_ain", width=0.25, feature_size=16)])
def test_the_recipe_chooses_the_pooling(backbone: schema.Backbone) -> None:
    average = build_network(schema.Model(backbone=backbone), persons=0)
    gem = build_network(schema.Model(backbone=backbone, pooling=schema.GeMPooling(p=2.0)), persons=0)
    assert isinstance(average.backbone.pool, AveragePooling)
    assert isinstance(gem.backbone.pool, GeMPooling)
    assert gem.state_dict().keys() - average.state_dict().keys() == {"backbone.pool.p"}
    gem.load_state_dict(average.state_dict() | {"backbone.pool.p": torch.tensor([1.0])})
    torch.testing.assert_close(gem.eval().embed(IMAGES), average.eval().embed(IMAGES), rtol=1e-4, atol=1e-4)


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
