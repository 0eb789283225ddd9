from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from reseen.errors import RecipeError
from reseen.recipe.explain import explain
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe

Refused = Callable[..., RecipeError]
WriteRecipe = Callable[[str, str], Path]

SHOWN = (
    load_recipe("softmax_triplet_with_center", ["model.pretrained={}"]),
    load_recipe("osnet_x0_25", ["optimizer={name: sgd}"]),
    load_recipe("tiny", ["augmentation.erasing={}"]),
)
"""Recipes that show every key there is."""


def keys_of(node: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The place of every key in a tree of settings, each with the key itself at its end."""
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in below:
        place = (*above, str(key))
        if isinstance(node, dict):
            yield place
        yield from keys_of(value, place)


PLACES = [(recipe, place) for recipe in SHOWN for place in keys_of(recipe.model_dump(mode="json", by_alias=True))]


@st.composite
def typos(draw: st.DrawFn, key: str) -> str:
    """The key with a letter left out, doubled, mistaken or swapped with the one before it."""
    at = draw(st.integers(1, len(key) - 1))
    letter = draw(st.sampled_from("aeiounrstx"))
    return draw(
        st.sampled_from(
            [
                key[:at] + key[at + 1 :],
                key[:at] + key[at] + key[at:],
                key[:at] + letter + key[at + 1 :],
                key[: at - 1] + key[at] + key[at - 1] + key[at + 1 :],
            ]
        )
    )


@given(st.data())
def test_a_mistyped_key_is_told_its_own_name(data: st.DataObject) -> None:
    recipe, place = data.draw(st.sampled_from([(recipe, place) for recipe, place in PLACES if len(place[-1]) > 2]))
    typo = data.draw(typos(place[-1]))
    tree = recipe.model_dump(mode="json", by_alias=True)
    node: Any = tree
    for step in place[:-1]:
        node = node[int(step)] if isinstance(node, list) else node[step]
    assume(typo not in node)
    node[typo] = 0
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate(tree)
    error = explain(caught.value, "own.yaml")
    assert error.what == f"own.yaml: unknown key {'.'.join([*place[:-1], typo])}"
    assert error.expected == f"a known key; the nearest is {place[-1]}"
    assert error.got == typo


def test_keys_at_every_depth_are_known() -> None:
    dotted = {".".join(place) for _, place in PLACES}
    assert {"seed", "preprocess.width", "losses.2.learning_rate", "schedule.warmup.start_factor"} < dotted
    assert {"model.backbone.widths", "evaluation.reranking.lambda", "optimizer.nesterov"} < dotted


def test_a_place_is_written_as_the_user_would(refused: Refused) -> None:
    error = refused("softmax_triplet", "losses.1.margin=-1")
    assert error.what == "-o losses.1.margin=-1: losses.1.margin cannot be used"
    assert error.expected == "greater than or equal to 0 or 'soft'"
    assert error.got == "-1"


BACKBONES = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "osnet", "osnet_ibn", "osnet_ain"),
    *("mobilenet_v3_small", "efficientnet_lite0", "efficientnet_lite2", "small_resnet", "timm:NAME"),
)


def test_an_unknown_kind_lists_the_known_ones(refused: Refused) -> None:
    error = refused("baseline", "model.backbone.name=vgg")
    assert "model.backbone.name cannot be used" in error.what
    assert error.expected == f"one of {', '.join(map(repr, BACKBONES))}"
    assert error.got == "vgg"
    assert "optimizer has no name" in refused("baseline", "optimizer={momentum: 0}").what


def test_a_key_of_another_kind_is_not_offered(refused: Refused) -> None:
    error = refused("softmax_triplet", "losses.0.margin=1")
    assert error.expected in {f"a known key; the nearest is {key}" for key in ("name", "weight", "smoothing")}


@pytest.mark.parametrize("place", ["model", "model.backbone", "optimizer", "training"])
def test_settings_that_are_nothing_are_told_in_the_words_of_yaml(refused: Refused, place: str) -> None:
    error = refused("baseline", f"{place}=null")
    assert error.what == f"-o {place}=null: {place} cannot be used"
    assert (error.expected, error.got) == ("a mapping", "null")


def test_what_is_missing_is_said(refused: Refused) -> None:
    assert "preprocess.mean.2 is missing" in refused("baseline", "preprocess.mean=[0, 0]").what


def test_several_faults_are_told_together(refused: Refused) -> None:
    error = refused("baseline", "training={epochs: 0, best: map, save_evry: 1}")
    assert error.what.count("cannot be used") == 2
    assert "unknown key training.save_evry" in error.what
    assert error.expected == "greater than 0; 'recall1', 'mAP' or 'mINP'; a known key; the nearest is save_every"
    assert error.got == "0; 'map'; save_evry"


def test_of_many_faults_the_first_are_named_and_the_rest_counted(refused: Refused) -> None:
    error = refused("baseline", f"training={{{', '.join(f'x{n}: 1' for n in range(12))}}}")
    assert error.what.count("unknown key") == 5
    assert error.what.endswith("and 7 more")


def test_long_keys_and_values_are_shortened(write_recipe: WriteRecipe, refused: Refused) -> None:
    path = write_recipe("own.yaml", f"training: {{? {'k' * 1000} : 1, epochs: {'w' * 1000}}}\n")
    error = refused(path)
    assert len(error.what) < len(str(path)) + 200
    assert len(error.got or "") < 200
