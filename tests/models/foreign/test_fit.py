from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from reseen.errors import WeightsError
from reseen.models.foreign.fit import check_fit, check_normalisation, check_settings
from reseen.models.foreign.import_weights import SOURCES
from reseen.models.network import build_network
from reseen.recipe.schema import Recipe

MakeRecipe = Callable[..., Recipe]
FILE = Path("model.pth")


@pytest.fixture
def entries(recipe: MakeRecipe) -> dict[str, Tensor]:
    """All that a network of `tiny` for two people has."""
    return dict(build_network(recipe("tiny").model, 2).state_dict())


def fit(recipe: Recipe, entries: dict[str, Tensor], *, start: bool = False) -> None:
    check_fit(FILE, recipe, {f"their.{name}": name for name in entries}, entries, start=start)


def fits(recipe: Recipe, entries: dict[str, Tensor], *, start: bool = False) -> bool:
    try:
        fit(recipe, entries, start=start)
    except WeightsError:
        return False
    return True


def test_what_is_whole_fits(recipe: MakeRecipe, entries: dict[str, Tensor]) -> None:
    ours, backbone = recipe("tiny"), {n: entry for n, entry in entries.items() if n.startswith("backbone.")}
    assert fits(ours, entries)
    assert fits(ours, {name: entry for name, entry in entries.items() if not name.startswith("head")})
    assert fits(ours, {name: entry for name, entry in entries.items() if not name.endswith("num_batches_tracked")})
    assert fits(ours, backbone, start=True)
    assert not fits(ours, backbone)


@pytest.mark.parametrize(
    ("name", "entry", "told"),
    [
        ("neck.weight", None, "1 missing: neck.weight"),
        ("neck.more", torch.ones(1), "1 not of this network: their.neck.more"),
        ("neck.weight", torch.ones(3), r"1 of another shape: their.neck.weight: neck.weight is \(3,\)"),
        ("neck.weight", torch.full((160,), torch.inf), "1 not finite numbers: their.neck.weight"),
        ("neck.weight", torch.ones(160, dtype=torch.int64), "1 not finite numbers"),
        ("neck.weight", torch.ones(160, dtype=torch.complex64), "1 not finite numbers"),
        ("neck.num_batches_tracked", torch.tensor(1.5), "1 not finite numbers"),
        ("head.weight", torch.tensor(1.5), "1 not of this network: their.head.weight"),
        ("head.weight", torch.empty(0, 160), "1 not of this network: their.head.weight"),
        ("head.weight", torch.ones(3), r"1 of another shape: their.head.weight: head.weight is \(3,\)"),
    ],
)
def test_what_does_not_fit_is_told_by_their_names(
    name: str, entry: Tensor | None, told: str, recipe: MakeRecipe, entries: dict[str, Tensor]
) -> None:
    changed = {key: value for key, value in (entries | {name: entry}).items() if value is not None}

    with pytest.raises(WeightsError, match=told):
        fit(recipe("tiny"), changed)


def test_of_a_start_neck_and_head_are_not_wanted(recipe: MakeRecipe, entries: dict[str, Tensor]) -> None:
    with pytest.raises(WeightsError, match=r"not of this network: their\.neck\.weight"):
        fit(recipe("tiny"), entries, start=True)


def test_two_entries_for_one_place_are_refused(recipe: MakeRecipe, entries: dict[str, Tensor]) -> None:
    places = {name: name for name in entries} | {"again": "neck.weight"}

    with pytest.raises(WeightsError, match=r"1 there twice: neck\.weight"):
        check_fit(FILE, recipe("tiny"), places, entries, start=False)


def test_a_network_that_a_source_has_not_is_refused(recipe: MakeRecipe) -> None:
    with pytest.raises(WeightsError, match="cannot be imported as a small_resnet"):
        check_settings(FILE, SOURCES["torchreid"], recipe("tiny"), {})


def test_settings_that_differ_are_all_told_with_what_changes_them(recipe: MakeRecipe) -> None:
    with pytest.raises(WeightsError) as error:
        check_settings(FILE, SOURCES["torchreid"], recipe("osnet_x0_25"), {})

    assert error.value.got == "bnneck, false"
    assert error.value.cure == "add -o model.neck=none -o model.head.bias=true"


@pytest.mark.parametrize("source", ["fastreid", "torchreid"])
def test_a_checkpoint_that_does_not_tell_of_its_normalisation_passes(source: str, recipe: MakeRecipe) -> None:
    refusals = []
    for told in ({}, dict.fromkeys(SOURCES[source].normalisation, torch.zeros(3))):
        try:
            check_normalisation(FILE, SOURCES[source], recipe("tiny"), told)
        except WeightsError:
            refusals.append([*told])
    assert refusals == ([[*SOURCES[source].normalisation]] if source == "fastreid" else [])


def test_a_scale_that_differs_is_refused(recipe: MakeRecipe) -> None:
    with pytest.raises(WeightsError, match="pixel_std"):
        check_normalisation(FILE, SOURCES["fastreid"], recipe("tiny"), {"pixel_std": torch.tensor([57.0, 57.0, 57.0])})
