"""The overrides that make one recipe of another: what `-o` has to say so that a run can be repeated."""

from __future__ import annotations

from typing import Any

import yaml

from reseen.recipe.load import change_recipe
from reseen.recipe.schema import Recipe


def overrides_between(base: Recipe, recipe: Recipe) -> list[str]:
    """The shortest paths and their values that `-o` must set, in order, to come from `base` to `recipe`.

    Applied one after the other, as `load_recipe` does, they give `recipe` exactly. Where the kind of something is
    another, its `name` is set first and then what differs from the defaults of that kind.

    Raises:
        RecipeError: a recipe on the way would not be valid.
    """
    overrides = []
    while base != recipe:
        override = _first(_tree(base), _tree(recipe), ())
        base = change_recipe(base, override)
        overrides.append(override)
    return overrides


def _tree(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json", by_alias=True)


def _first(base: Any, wanted: Any, path: tuple[str, ...]) -> str:
    """The override that settles the first difference between two values that differ."""
    parts = _parts(base, wanted)
    if parts is None:
        return f"{'.'.join(path)}={_flow(wanted)}"
    if path and "name" in parts and base["name"] != wanted["name"]:
        return f"{'.'.join(path)}.name={_flow(wanted['name'])}"
    key = next(key for key in parts if _at(base, key) != _at(wanted, key))
    return _first(_at(base, key), _at(wanted, key), (*path, key))


def _parts(base: Any, wanted: Any) -> list[str] | None:
    """Keys below both of two values; None where one of them must be set whole."""
    if isinstance(base, dict) and isinstance(wanted, dict) and ("name" in base) == ("name" in wanted):
        free = base.keys() != wanted.keys() and "name" not in base  # a mapping with keys of the user's own
        return None if free else list(wanted)
    if isinstance(base, list) and isinstance(wanted, list) and _of_kinds(wanted) and _names(base) == _names(wanted):
        return [str(place) for place in range(len(wanted))]
    return None


def _of_kinds(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values)


def _names(values: list[Any]) -> list[Any]:
    """Of what kind each is. A kind may need more than its name, so where one takes the place of another all are set."""
    return [value.get("name") if isinstance(value, dict) else None for value in values]


def _at(value: Any, key: str) -> Any:
    return value[int(key)] if isinstance(value, list) else value[key]


def _flow(value: Any) -> str:
    """YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=2**20)
    return text.removesuffix("...\n").rstrip("\n")
