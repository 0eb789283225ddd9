"""From a shipped name or a YAML file, through `extends:` and overrides, to a validated `Recipe`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reseen.errors import RecipeError
from reseen.recipe.explain import explain
from reseen.recipe.former_names import renew
from reseen.recipe.override import apply_override, put
from reseen.recipe.schema import Recipe
from reseen.recipe.yaml_file import MAX_CHARACTERS, dump_yaml, parse_yaml

MAX_EXTENDS = 16

Tree = dict[str, Any]
Overrides = Sequence[str] | Mapping[str, object]


def shipped_recipes() -> tuple[str, ...]:
    """Names of the recipes inside the package, sorted."""
    folder = resources.files("reseen.recipe") / "shipped"
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_recipe(source: str | Path | Recipe, overrides: Overrides = ()) -> Recipe:
    """The recipe that `source` names, with its `extends:` resolved and the overrides applied in order.

    Examples:
        >>> import reseen
        >>> reseen.load_recipe("tiny", ["training.epochs=3"]).training.epochs
        3

    Args:
        source: a shipped name (`softmax_triplet`), the path of a YAML file, or a recipe to change.
        overrides: `a.b=value` each, as `-o` takes them, where the value is YAML; or a mapping from `a.b` to the value.
            A list index is a number: `losses.2.weight=0.001`.

    Raises:
        RecipeError: unknown recipe, unreadable file, unknown key (the nearest known one is named), wrong type or range.
    """
    recipe = source if isinstance(source, Recipe) else _validate(_resolve(source), str(source))
    if isinstance(overrides, Mapping):
        for path, value in overrides.items():
            recipe = _set(recipe, path, value)
        return recipe
    for override in [overrides] if isinstance(overrides, str) else overrides:
        recipe = change_recipe(recipe, override)
    return recipe


def change_recipe(recipe: Recipe, override: str) -> Recipe:
    """The recipe with one `a.b=value` applied.

    Raises:
        RecipeError: as for `load_recipe`.
    """
    tree = recipe.model_dump(mode="json", by_alias=True)
    apply_override(tree, override)
    return _validate(renew(tree), f"-o {override}")


def _set(recipe: Recipe, path: str, value: object) -> Recipe:
    """The recipe with a setting that Python names."""
    told = f"{path}={value!r}"
    try:
        plain = json.loads(json.dumps(value, default=os.fspath))
    except (TypeError, ValueError):
        raise RecipeError(
            f"{path} cannot be set",
            expected="a plain value: a number, a text, a list, a mapping",
            got=type(value).__name__,
            cure="docs/recipe-reference.md lists every key with its type and default",
        ) from None
    tree = recipe.model_dump(mode="json", by_alias=True)
    put(tree, path, plain, told)
    return _validate(renew(tree), f"-o {told}")


def dump_recipe(recipe: Recipe) -> str:
    """The resolved recipe as YAML that `load_recipe` reads back to the same value."""
    return dump_yaml(recipe.model_dump(mode="json", by_alias=True))


def _validate(tree: Tree, source: str) -> Recipe:
    try:
        return Recipe.model_validate_json(json.dumps(tree), strict=True)  # strict JSON still takes a list for a tuple
    except ValidationError as error:
        raise explain(error, source) from None


def _resolve(source: str | Path) -> Tree:
    """The merged tree of a recipe and all it extends."""
    trees: list[Tree] = []
    folder = Path()
    following: str | Path | None = source
    while following is not None:
        if len(trees) == MAX_EXTENDS:
            raise RecipeError(
                f"{source} extends too many recipes",
                expected=f"a chain of at most {MAX_EXTENDS}",
                got=f"one that goes on to {following}",
                cure="look for a recipe that extends itself",
            )
        tree, folder = _read(following, folder)
        following = tree.pop("extends", None)
        trees.append(tree)
    merged: Tree = {}
    for tree in reversed(trees):
        merged = _merge(merged, tree)
    merged["name"] = trees[0].get("name", Path(source).stem)
    return merged


def _read(source: str | Path, folder: Path) -> tuple[Tree, Path]:
    """What a recipe says, and the folder that a path in its `extends:` is relative to."""
    if str(source) in shipped_recipes():
        path = Path(str(source))
        text = (resources.files("reseen.recipe") / "shipped" / f"{source}.yaml").read_text(encoding="utf-8")
    else:
        path = folder / source
        text = _read_text(path, source)
    tree = parse_yaml(text, str(path))
    if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
        raise RecipeError(
            f"{path} is not a recipe",
            expected="a mapping of settings",
            got=f"a {type(tree).__name__}",
            cure="begin with `extends: softmax_triplet`",
        )
    extends = tree.get("extends")
    if not isinstance(extends, str | None):
        raise RecipeError(
            f"{path}: extends names no recipe",
            expected="one name or path",
            got=repr(extends),
            cure="name one; it may extend another",
        )
    return renew(tree), path.parent


def _read_text(path: Path, source: str | Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_CHARACTERS + 1)
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"the recipe {source} cannot be read",
            expected=f"a YAML file, or one of {', '.join(shipped_recipes())}",
            got=str(error),
            cure="check the name",
        ) from None


def _merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> Tree:
    """`base` with `change` laid over it; a mapping that names another kind replaces the one below it whole."""
    merged = dict(base)
    for key, value in change.items():
        below = merged.get(key)
        if (
            isinstance(value, dict)
            and isinstance(below, dict)
            and value.get("name", below.get("name")) == below.get("name")
        ):
            merged[key] = _merge(below, value)
        else:
            merged[key] = value
    return merged
