from __future__ import annotations

from collections.abc import Callable

import pytest

from reseen.errors import RecipeError
from reseen.recipe import schema
from reseen.recipe.load import load_recipe

Refused = Callable[..., RecipeError]
RefuseEach = Callable[..., None]
CIRCLE = "losses=[{name: circle}]"
DISTILLATION = "losses=[{name: distillation, teacher: {recipe: a, weights: b}}]"
LIBRARY = "losses=[{name: 'pml:MultiSimilarityLoss'}]"


@pytest.mark.parametrize(
    ("kind", "setting", "wrong"),
    [
        (None, "losses.0.weight", ["-1", "'1'"]),
        (None, "losses.0.smoothing", ["1", "-0.1"]),
        (None, "losses.0.feature", ["before_neck"]),
        (None, "losses.1.margin", ["-0.1", "hard", "null"]),
        (None, "losses.1.feature", ["logits", "null"]),
        (None, "losses.2.weight", ["0"]),
        (None, "losses.2.learning_rate", ["0"]),
        (None, "losses.2.feature", ["neck"]),
        (CIRCLE, "losses.0.margin", ["-0.1", "1", "soft"]),
        (CIRCLE, "losses.0.scale", ["0", "-1", ".inf"]),
        (CIRCLE, "losses.0.feature", ["after"]),
        (DISTILLATION, "losses.0.weight", ["-1"]),
        (DISTILLATION, "losses.0.feature", ["logits"]),
        (DISTILLATION, "losses.0.teacher", ["null", "runs/teacher", "{recipe: a}", "{weights: b}"]),
        (DISTILLATION, "losses.0.teacher", ["{recipe: a, weights: b, bundle: c}", "{}", "{recipe: a, bundle: c}"]),
        (DISTILLATION, "losses.0.features", ["-1", "null"]),
        (LIBRARY, "losses.0.weight", ["-1"]),
        (LIBRARY, "losses.0.feature", ["after"]),
        (LIBRARY, "losses.0.arguments", ["[1]", "{alpha: [2]}", "{alpha: null}", "{distance: {name: cosine}}"]),
    ],
)
def test_wrong_values_are_refused_by_name(
    refuse_each: RefuseEach, kind: str | None, setting: str, wrong: list[str]
) -> None:
    refuse_each(setting, wrong, *([kind] if kind else []))


def test_the_name_chooses_the_settings() -> None:
    losses = load_recipe("baseline", ["losses=[{name: circle, feature: after_neck}, {name: 'pml:NCALoss'}]"]).losses
    assert losses == (schema.Circle(feature="after_neck"), schema.MetricLearningLoss(name="pml:NCALoss"))


def test_published_recipes_read_the_feature_before_the_neck() -> None:
    read = {loss.name: getattr(loss, "feature", None) for loss in load_recipe("softmax_triplet_with_center").losses}
    assert read == {"cross_entropy": None, "triplet": "before_neck", "center": "before_neck"}


@pytest.mark.parametrize("name", ["focal", "pml", "pml:", "pml:a.b", "pml:a-b", "timm:a"])
def test_other_names_are_refused(refused: Refused, name: str) -> None:
    assert "losses.0" in refused("baseline", f"losses=[{{name: '{name}'}}]").what


def test_two_losses_of_the_library_go_together_but_none_twice(refused: Refused) -> None:
    load_recipe("baseline", ["losses=[{name: 'pml:NCALoss'}, {name: 'pml:NPairsLoss'}]"])
    assert "losses" in refused("baseline", "losses=[{name: 'pml:NCALoss'}, {name: 'pml:NCALoss', weight: 2}]").what


@pytest.mark.parametrize(
    ("setting", "value"), [("losses.1.margin=0", 0.0), ("losses.1.margin=soft", "soft"), ("losses.0.weight=0", 0.0)]
)
def test_values_at_the_edge_are_taken(setting: str, value: object) -> None:
    _, index, name = setting.partition("=")[0].split(".")
    assert getattr(load_recipe("softmax_triplet", [setting]).losses[int(index)], name) == value
