from __future__ import annotations

from collections.abc import Callable

import pytest

from reseen.recipe import schema
from reseen.recipe.load import load_recipe

RefuseEach = Callable[..., None]
COSINE = "model.head={name: cosine}"
ARC = "model.head={name: arc}"
GEM = "model.pooling={name: gem}"


@pytest.mark.parametrize(
    ("kind", "setting", "wrong"),
    [
        (None, "model.neck", ["bn", "null", "true"]),
        (None, "model.feature", ["after"]),
        (None, "model.pretrained.path", ["1", "true", "[a]"]),
        (None, "model.pretrained.expected_missing", ["layer4.*", "[1]"]),
        (None, "model.head.bias", ["1", "'no'"]),
        (None, "model.head.init", ["zeros"]),
        (None, "model.head.name", ["sphere", "null"]),
        (COSINE, "model.head.scale", ["0", "-1", "'64'", ".inf"]),
        (COSINE, "model.head.margin", ["-0.1", "1.1"]),
        (COSINE, "model.head.bias", ["true"]),
        (ARC, "model.head.scale", ["0", "-1"]),
        (ARC, "model.head.margin", ["-0.1", "1.6"]),
        (None, "model.pooling.name", ["max", "null"]),
        (None, "model.pooling.p", ["3"]),
        (GEM, "model.pooling.p", ["0.9", "101", "'3'"]),
        (GEM, "model.pooling.learn", ["1", "null"]),
    ],
)
def test_wrong_values_are_refused_by_name(
    refuse_each: RefuseEach, kind: str | None, setting: str, wrong: list[str]
) -> None:
    refuse_each(setting, wrong, *([kind] if kind else []))


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (COSINE, schema.CosineHead(scale=64, margin=0.35)),
        (ARC, schema.ArcHead(scale=64, margin=0.5)),
        ("model.head={name: linear}", schema.LinearHead(bias=False, init="normal")),
    ],
)
def test_the_name_chooses_the_head(override: str, expected: schema.Head) -> None:
    assert load_recipe("tiny", [override]).model.head == expected


def test_the_name_chooses_the_pooling_and_without_one_it_is_the_mean() -> None:
    assert load_recipe("tiny").model.pooling == schema.AveragePooling()
    assert load_recipe("tiny", [GEM]).model.pooling == schema.GeMPooling(p=3, learn=True)
    assert load_recipe("tiny", ["model.pooling={name: gem, p: 1, learn: false}"]).model.pooling == schema.GeMPooling(
        p=1, learn=False
    )


@pytest.mark.parametrize("settings", [{"bias": True}, {"init": "uniform"}, {}])
def test_a_head_without_a_name_is_linear(settings: dict[str, object]) -> None:
    head = schema.Model.model_validate({"head": settings}).head
    assert head == schema.LinearHead.model_validate(settings)
