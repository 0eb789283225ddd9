"""One `-o a.b=value`: where it points in a recipe, and what it puts there."""

from __future__ import annotations

from typing import Any

from reseen.errors import RecipeError
from reseen.recipe.yaml_file import parse_yaml


def apply_override(tree: dict[str, Any], override: str) -> None:
    """Change the tree in place as `a.b=value` says; the value is YAML.

    Raises:
        RecipeError: no `=`, a value that is not plain YAML, or as for `put`.
    """
    path, equals, text = override.partition("=")
    if not equals or not all(path.split(".")):
        raise RecipeError(
            f"-o {override} is not an override", expected="a.b=value", got=override, cure="for example -o seed=1"
        )
    put(tree, path, parse_yaml(text, f"-o {override}"), override)


def put(tree: dict[str, Any], path: str, value: Any, override: str) -> None:
    """Change the tree in place so that the value is at `a.b`.

    A number in the path is an index of a list; null on the way becomes a mapping. A `name` that changes the kind of
    something takes away what was set for the old kind.

    Args:
        tree: the settings.
        path: where, such as `losses.2.weight`.
        value: plain: numbers, text, lists, mappings.
        override: the change in words, for errors.

    Raises:
        RecipeError: an index that is not there, or a part of something without parts. Whether the key is known and the
            value fits is for the recipe's schema to say.
    """
    steps = path.split(".")
    node: Any = tree
    for at, step in enumerate(steps[:-1]):
        node = _child(node, step, steps[:at], override)
    if isinstance(node, list):
        node[_index(node, steps[-1], override)] = value
    elif isinstance(node, dict):
        if steps[-1] == "name" and len(steps) > 1 and node.get("name") != value:
            node.clear()
        node[steps[-1]] = value
    else:
        raise _no_parts(node, steps[:-1], override)


def _child(node: Any, step: str, above: list[str], override: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, step, override)]
    if not isinstance(node, dict):
        raise _no_parts(node, above, override)
    if node.get(step) is None:
        node[step] = {}
    return node[step]


def _index(items: list[Any], step: str, override: str) -> int:
    places = {str(place): place for place in range(len(items))}
    if step not in places:
        raise RecipeError(
            f"-o {override}: no such index in the list",
            expected=f"an index below {len(items)}",
            got=step,
            cure="count from 0; to make a list longer, set the whole list",
        )
    return places[step]


def _no_parts(node: Any, path: list[str], override: str) -> RecipeError:
    return RecipeError(
        f"-o {override}: {'.'.join(path)} has no parts",
        expected="a mapping or a list",
        got=repr(node),
        cure=f"set {'.'.join(path)} itself",
    )
