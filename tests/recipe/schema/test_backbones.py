from __future__ import annotations

from collections.abc import Callable

import pytest

from reseen.errors import RecipeError
from reseen.recipe import schema
from reseen.recipe.load import load_recipe

Refused = Callable[..., RecipeError]
RefuseEach = Callable[..., None]
OSNET = "model.backbone={name: osnet}"
SMALL = "model.backbone={name: small_resnet}"
LITE = "model.backbone={name: efficientnet_lite0}"
MOBILENET = "model.backbone={name: mobilenet_v3_small}"
TIMM = "model.backbone={name: 'timm:convnext_tiny'}"


@pytest.mark.parametrize(
    ("kind", "setting", "wrong"),
    [
        (None, "model.backbone.last_stride", ["0", "3", "'1'"]),
        (None, "model.backbone.stem_relu", ["1", "'true'", "null"]),
        (None, "model.backbone.stride_on", ["1x3", "1"]),
        (None, "model.backbone.ibn", ["a", "1", "null"]),
        (None, "model.backbone.max_pool", ["same", "1", "null"]),
        (OSNET, "model.backbone.width", ["0", "0.3", "1.25"]),
        (OSNET, "model.backbone.feature_size", ["15", "4097", "512.0"]),
        (SMALL, "model.backbone.widths", ["[8]", "[3, 8]", "[8, 1025]", "[8, 8, 8, 8, 8, 8]"]),
        (MOBILENET, "model.backbone.last_stride", ["0", "3"]),
        (LITE, "model.backbone.last_stride", ["0", "3"]),
        (LITE, "model.backbone.blocks", ["0", "16", "21", "1.5"]),
        (LITE, "model.backbone.feature_size", ["15", "4097"]),
        (TIMM, "model.backbone.arguments", ["[1]", "{drop_rate: [0.1]}", "{drop_rate: null}"]),
    ],
)
def test_wrong_values_are_refused_by_name(
    refuse_each: RefuseEach, kind: str | None, setting: str, wrong: list[str]
) -> None:
    refuse_each(setting, wrong, *([kind] if kind else []))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((f"resnet{depth}", schema.ResNet) for depth in (18, 34, 50, 101)),
        *((name, schema.OSNet) for name in ("osnet", "osnet_ibn", "osnet_ain")),
        ("mobilenet_v3_small", schema.MobileNetV3Small),
        *((name, schema.EfficientNetLite) for name in ("efficientnet_lite0", "efficientnet_lite2")),
        ("small_resnet", schema.SmallResNet),
        ("timm:convnext_tiny.fb_in22k", schema.Timm),
    ],
)
def test_the_name_chooses_the_settings(name: str, kind: type[schema.Settings]) -> None:
    backbone = load_recipe("baseline", [f"model.backbone={{name: '{name}'}}"]).model.backbone
    assert type(backbone) is kind
    assert backbone.name == name


@pytest.mark.parametrize("name", ["resnet152", "osnet_x1_0", "timm", "timm:", "timm:a/b", "timm:hf-hub:a", "pml:a"])
def test_other_names_are_refused(refused: Refused, name: str) -> None:
    assert "model.backbone" in refused("baseline", f"model.backbone={{name: '{name}'}}").what


@pytest.mark.parametrize("name", ["resnet18", "resnet34"])
def test_basic_blocks_have_no_1x1_convolution_for_the_stride(refused: Refused, name: str) -> None:
    error = refused("baseline", f"model.backbone={{name: {name}, stride_on: 1x1}}")
    assert "model.backbone" in error.what
    assert f"stride_on 3x3 for {name}" in str(error.expected)
    load_recipe("baseline", [f"model.backbone={{name: {name}, stride_on: 3x3}}"])
    load_recipe("baseline", ["model.backbone={name: resnet101, stride_on: 1x1}"])


def test_arguments_for_timm_are_plain_values() -> None:
    arguments = {"drop_path_rate": 0.1, "img_size": 256, "act_layer": "relu", "dynamic_img_size": True}
    assert schema.Timm.model_validate({"name": "timm:vit", "arguments": arguments}).arguments == arguments
