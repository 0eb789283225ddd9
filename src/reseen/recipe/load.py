"""From a shipped name or a YAML file, through `extends:` and overrides, to a validated `Recipe`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from reseen.errors import RecipeError
from reseen.recipe.explain import explain
from reseen.recipe.schema import Recipe
from reseen.recipe.yaml_file import MAX_BYTES, parse_yaml

MAX_EXTENDS = 16

Tree = dict[str, Any]


def shipped_recipes() -> tuple[str, ...]:
    """Names of the recipes inside the package, sorted."""
    folder = resources.files("reseen.recipe") / "shipped"
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_recipe(source: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe that `source` names, with its `extends:` resolved and the overrides applied in order.

    Args:
        source: a shipped name (`softmax_triplet`) or the path of a YAML file.
        overrides: `a.b=value` each; a list index is a number (`losses.2.weight=0.001`); the value is YAML.

    Raises:
        RecipeError: unknown recipe, unreadable file, unknown key (the nearest known one is named), wrong type or range.
    """
    recipe = _validate(_resolve(source), str(source))
    for override in overrides:
        tree = recipe.model_dump(mode="json", by_alias=True)
        _apply(tree, override)
        recipe = _validate(tree, f"-o {override}")
    return recipe


def dump_recipe(recipe: Recipe) -> str:
    """The resolved recipe as YAML that `load_recipe` reads back to the same value."""
    return yaml.safe_dump(recipe.model_dump(mode="json", by_alias=True), sort_keys=False, allow_unicode=True)


def _validate(tree: Tree, source: str) -> Recipe:
    try:
        return Recipe.model_validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        raise explain(error, source) from None


def _resolve(source: str | Path) -> Tree:
    """The merged tree of a recipe and all it extends."""
    trees: list[Tree] = []
    folder = Path()
    following: str | Path | None = source
    while following is not None:
        if len(trees) == MAX_EXTENDS:
            raise RecipeError(f"{source} extends too many recipes", expected=f"at most {MAX_EXTENDS}", cure="look for a circle")
        text, where = _read(following, folder)
        tree = parse_yaml(text, str(following))
        if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
            raise RecipeError(f"{following} is not a recipe", expected="a mapping of settings", got=type(tree).__name__)
        folder = where
        following = tree.pop("extends", None)
        if following is not None and not isinstance(following, str):
            raise RecipeError(f"{source}: extends names no recipe", expected="a name or a path", got=repr(following))
        trees.append(tree)
    merged: Tree = {}
    for tree in reversed(trees):
        merged = _merge(merged, tree)
    merged["name"] = trees[0].get("name", Path(source).stem)
    return merged


def _read(source: str | Path, folder: Path) -> tuple[str, Path]:
    """Text of a recipe, and the folder that paths in its `extends:` are relative to."""
    if str(source) in shipped_recipes():
        return (resources.files("reseen.recipe") / "shipped" / f"{source}.yaml").read_text(encoding="utf-8"), folder
    path = folder / source
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RecipeError(f"{path} is too long for a recipe", expected=f"at most {MAX_BYTES:,} bytes")
        return path.read_text(encoding="utf-8"), path.parent
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"there is no recipe {source}",
            expected=f"a YAML file, or one of {', '.join(shipped_recipes())}",
            got=str(error),
            cure="check the name",
        ) from None


def _merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> Tree:
    """`base` with `change` laid over it; a mapping that names another kind replaces the one below it whole."""
    merged = dict(base)
    for key, value in change.items():
        below = merged.get(key)
        same_kind = isinstance(value, dict) and isinstance(below, dict) and value.get("name", below.get("name")) == below.get("name")
        merged[key] = _merge(below, value) if same_kind else value
    return merged


def _apply(tree: Tree, override: str) -> None:
    """Change the tree in place as `a.b=value` says."""
    path, equals, text = override.partition("=")
    steps = path.split(".")
    if not equals or not all(steps):
        raise RecipeError(f"-o {override} is not an override", expected="a.b=value", cure="for example -o seed=1")
    value = parse_yaml(text, f"-o {override}")
    if len(steps) > 1 and steps[-1] == "name":  # another kind: what was set for the old one no longer applies
        steps, value = steps[:-1], {"name": value}
    node: Any = tree
    for step in steps[:-1]:
        node = _child(node, step, override)
    if isinstance(node, list):
        node[_index(node, steps[-1], override)] = value
    elif isinstance(node, dict):
        node[steps[-1]] = value
    else:
        raise RecipeError(f"-o {override}: {'.'.join(steps[:-1])} has no parts", got=repr(node))


def _child(node: Any, step: str, override: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, step, override)]
    if not isinstance(node, dict):
        raise RecipeError(f"-o {override}: nothing lies below {step!r}", got=repr(node))
    if node.get(step) is None:
        node[step] = {}
    return node[step]


def _index(items: list[Any], step: str, override: str) -> int:
    if not step.isdecimal() or int(step) >= len(items):
        raise RecipeError(f"-o {override}: no such place in the list", expected=f"an index from 0 to {len(items) - 1}", got=step)
    return int(step)
