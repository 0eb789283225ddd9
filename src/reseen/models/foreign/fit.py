"""Whether a foreign checkpoint is of the network that a recipe describes, in every entry and in what it computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor

from reseen.errors import WeightsError
from reseen.models.foreign.source import Source
from reseen.models.network import build_network
from reseen.models.weights import BACKBONE, POOLING
from reseen.models.weights_report import COUNTER, compare, first
from reseen.recipe.schema import Recipe

POOL = f"{BACKBONE}{POOLING}"
MAY_DIFFER = "backbone.stem_relu"
"""The setting in which a recipe may differ from a classifier that it only starts from: the published baselines do."""


def check_settings(path: Path, source: Source, recipe: Recipe, entries: Mapping[str, Tensor]) -> list[str]:
    """Notes on what the recipe computes otherwise than the network the weights come from, and may.

    Raises:
        WeightsError: it computes otherwise what it may not.
    """
    name = recipe.model.backbone.name
    if name not in source.backbones:
        raise WeightsError(
            f"{path} cannot be imported as a {name}",
            expected=f"a recipe with a network that {source.title} has: {', '.join(source.backbones)}",
            got=f"model.backbone.name {name}",
            cure="give another --model or another --from",
        )
    model = recipe.model.model_dump(mode="json")
    theirs = source.settings(recipe.model, entries)
    different = {setting: value for setting, value in theirs.items() if _at(model, setting) != value}
    start = source.to_start_from(entries)
    noted = {setting: different.pop(setting) for setting in [*different] if start and setting == MAY_DIFFER}
    if different:
        raise WeightsError(
            f"the recipe {recipe.name} describes another network than that of {path}",
            expected=", ".join(f"model.{setting} {_yaml(value)}" for setting, value in different.items()),
            got=", ".join(_yaml(_at(model, setting)) for setting in different),
            cure="add " + " ".join(f"-o model.{setting}={_yaml(value)}" for setting, value in different.items()),
        )
    return [
        f"these weights were trained with model.{setting} {_yaml(value)}, the recipe has {_yaml(_at(model, setting))}"
        for setting, value in noted.items()
    ]


def _at(tree: object, dotted: str) -> object:
    for key in dotted.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_normalisation(path: Path, source: Source, recipe: Recipe, entries: Mapping[str, Tensor]) -> None:
    """Compare the normalisation that a checkpoint holds, if it does, with the recipe's.

    Raises:
        WeightsError: they differ.
    """
    scales = (recipe.preprocess.mean, recipe.preprocess.std)
    for name, ours in zip(source.normalisation, scales, strict=False):
        theirs = entries.get(name)
        if theirs is None:
            continue
        numbers = [value / 255 for value in theirs.flatten().tolist()[:4]]
        if len(numbers) != 3 or max(abs(a - b) for a, b in zip(numbers, ours, strict=True)) > 1e-4:
            raise WeightsError(
                f"{path} was trained with a different normalisation",
                expected=f"{name} of {_rounded(ours)}, for pixels of 0 to 1",
                got=str(_rounded(numbers)),
                cure="set preprocess.mean and preprocess.std to what it was trained with",
            )


def _rounded(numbers: tuple[float, ...] | list[float]) -> list[float]:
    return [round(value, 4) for value in numbers]


def check_fit(
    path: Path,
    recipe: Recipe,
    places: Mapping[str, str],
    arranged: Mapping[str, Tensor],
    *,
    start: bool,
    fresh: Sequence[str] = (),
) -> None:
    """Check that every entry of the network is there, whole, once, and nothing else; a head may be missing.

    Args:
        path: the checkpoint, for the error.
        recipe: says which network.
        places: the name here of each entry, by its name there.
        arranged: the entries by their names here.
        start: whether the backbone is all that there should be, less what its pooling learns.
        fresh: glob patterns of entries of the network that no checkpoint has.

    Raises:
        WeightsError: they are not, or a value is not a finite number.
    """
    head = None if start else arranged.get("head.weight")
    people = len(head) if head is not None and head.ndim and head.numel() else 0
    with torch.device("meta"):  # names and shapes are enough
        network = build_network(recipe.model, people)
    wanted = {
        name: entry
        for name, entry in network.state_dict().items()
        if not start or (name.startswith(BACKBONE) and not any(fnmatchcase(name, each) for each in (POOL, *fresh)))
    }
    report = compare(wanted, arranged, path)
    theirs = {ours: name for name, ours in places.items()}
    kinds = {
        "not of this network": [theirs[name] for name in report.unused],
        "missing": list(report.missing),
        "of another shape": [f"{theirs[each.name]}: {each}" for each in report.mismatched],
        "there twice": [name for name, count in Counter(places.values()).items() if count > 1],
        "not finite numbers": [theirs[name] for name, entry in arranged.items() if not _sound(name, entry)],
    }
    faults = [f"{len(names)} {kind}: {first(names)}" for kind, names in kinds.items() if names]
    if faults:
        raise WeightsError(
            f"{path} does not fit the model of the recipe {recipe.name}",
            expected=f"the {len(wanted)} entries of a {recipe.model.backbone.name} with neck {recipe.model.neck}",
            got="; ".join([f"{len(report.loaded)} that fit", *faults]),
            cure="give the recipe of that network, or change it with -o model.…",
        )


def _sound(name: str, entry: Tensor) -> bool:
    """Floating-point and finite; batch norm's counters are whole numbers."""
    if name.endswith(COUNTER):
        return entry.dtype in (torch.int64, torch.int32)
    return entry.is_floating_point() and bool(entry.float().isfinite().all())
