"""What `-o` must say to come from one recipe to another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.recipe.difference import overrides_between
from reseen.recipe.load import load_recipe, shipped_recipes

CHANGES = (
    "seed=3",
    "name=my run",
    "model.backbone.name=osnet",
    "model.backbone={name: 'timm:convnext_tiny', arguments: {drop_path_rate: 0.1}}",
    "model.backbone={name: small_resnet, widths: [8, 16]}",
    "model.pretrained=null",
    "model.pretrained={path: a b.npz, expected_missing: ['x.*']}",
    "augmentation.erasing=null",
    "augmentation.erasing={fill: [0, 0, 0]}",
    "losses.1.margin=soft",
    "losses=[{name: circle, scale: 64}]",
    "losses=[{name: cross_entropy, smoothing: 0.2}, {name: distillation, teacher: {recipe: a.yaml, weights: b}}]",
    "optimizer={name: sgd, nesterov: true}",
    "optimizer.learning_rate=1.0e-5",
    "schedule={name: cosine, warmup: {epochs: 2}}",
    "data.calibration_share=0.2",
    "training.ema={}",
)


@given(
    first=st.sampled_from(shipped_recipes()),
    second=st.sampled_from(shipped_recipes()),
    changes=st.lists(st.sampled_from(CHANGES), max_size=4, unique=True),
)
def test_the_overrides_make_the_one_recipe_of_the_other(first: str, second: str, changes: list[str]) -> None:
    if any(change.startswith("losses=") for change in changes):  # no triplet is second in those lists
        changes = [change for change in changes if change != "losses.1.margin=soft"]
    wanted = load_recipe(second, changes)

    assert load_recipe(first, overrides_between(load_recipe(first), wanted)) == wanted


@pytest.mark.parametrize(
    ("changes", "overrides"),
    [
        ([], []),
        (["optimizer.learning_rate=1.0e-5"], ["optimizer.learning_rate=1.0e-05"]),
        (["losses.1.margin=soft"], ["losses.1.margin=soft"]),
        (["model.backbone={name: osnet, width: 0.5}"], ["model.backbone.name=osnet", "model.backbone.width=0.5"]),
        (["augmentation.erasing=null"], ["augmentation.erasing=null"]),
        (
            ["training.best_on=calibration_people", "data.calibration_share=0.1"][::-1],
            ["data.calibration_share=0.1", "training.best_on=calibration_people"],
        ),
    ],
)
def test_they_say_no_more_than_what_differs(changes: list[str], overrides: list[str]) -> None:
    base = load_recipe("softmax_triplet")

    assert overrides_between(base, load_recipe("softmax_triplet", changes)) == overrides
