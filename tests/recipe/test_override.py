from __future__ import annotations

import copy
from typing import Any

import pytest

from reseen.errors import RecipeError
from reseen.recipe.override import apply_override

TREE: dict[str, Any] = {
    "name": "own",
    "seed": 0,
    "losses": [{"name": "triplet", "margin": 0.3}, {"name": "center", "weight": 5e-4}],
    "optimizer": {"name": "adam", "learning_rate": 1.0},
    "erasing": None,
    "milestones": [40, 70],
    "none": [],
}


def apply(*overrides: str) -> dict[str, Any]:
    tree = copy.deepcopy(TREE)
    for override in overrides:
        apply_override(tree, override)
    return tree


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ("seed=1", {"seed": 1}),
        ("seed=", {"seed": None}),
        ("name=a=b", {"name": "a=b"}),
        ("name=5e-4", {"name": 5e-4}),
        ("new=[1, {a: b}]", {"new": [1, {"a": "b"}]}),
        ("new.below=1", {"new": {"below": 1}}),
        ("milestones.1=60", {"milestones": [40, 60]}),
        ("milestones=[1]", {"milestones": [1]}),
        ("losses.1.weight=1", {"losses": [TREE["losses"][0], {"name": "center", "weight": 1}]}),
        ("losses.0={name: center}", {"losses": [{"name": "center"}, TREE["losses"][1]]}),
        ("erasing.probability=0.1", {"erasing": {"probability": 0.1}}),
        ("optimizer.learning_rate=2", {"optimizer": {"name": "adam", "learning_rate": 2}}),
        ("optimizer=null", {"optimizer": None}),
    ],
)
def test_puts_the_value_in_its_place_and_leaves_the_rest(override: str, changed: dict[str, Any]) -> None:
    assert apply(override) == TREE | changed


def test_another_kind_drops_what_was_set_for_the_old_one() -> None:
    assert apply("optimizer.name=sgd")["optimizer"] == {"name": "sgd"}
    assert apply("optimizer.name=adam")["optimizer"] == TREE["optimizer"]
    assert apply("losses.0.name=center")["losses"] == [{"name": "center"}, TREE["losses"][1]]
    assert apply("name=other") == TREE | {"name": "other"}


@pytest.mark.parametrize(
    ("override", "what"),
    [
        ("seed", "is not an override"),
        ("=1", "is not an override"),
        ("", "is not an override"),
        ("a..b=1", "is not an override"),
        (".a=1", "is not an override"),
        ("losses.2.weight=1", "no such index in the list"),
        ("losses.-1.weight=1", "no such index in the list"),
        ("losses.first.weight=1", "no such index in the list"),
        ("losses.01.weight=1", "no such index in the list"),
        ("losses.٠.weight=1", "no such index in the list"),
        (f"losses.{'9' * 5000}.weight=1", "no such index in the list"),
        ("milestones.2=1", "no such index in the list"),
        ("none.0=1", "no such index in the list"),
        ("seed.a=1", "seed has no parts"),
        ("optimizer.name.a.b=1", "optimizer.name has no parts"),
        ("losses.0.margin.a=1", "losses.0.margin has no parts"),
        ("seed=[", "is not plain YAML"),
        ("seed=!!int 1", "is not plain YAML"),
    ],
)
def test_what_points_nowhere_or_is_no_yaml_is_refused(override: str, what: str) -> None:
    with pytest.raises(RecipeError) as caught:
        apply(override)
    error = caught.value
    assert error.what.startswith(f"-o {override}")
    assert what in error.what
    assert error.expected
    assert error.cure


def test_the_size_of_the_list_is_told() -> None:
    with pytest.raises(RecipeError) as caught:
        apply("milestones.2=1")
    assert (caught.value.expected, caught.value.got) == ("an index below 2", "2")
