"""What is wrong with a recipe, in words: every fault with its place, what was expected, and the nearest known key."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from reseen.errors import RecipeError
from reseen.recipe.schema import Recipe, kinds

MAX_FAULTS = 5
"""Faults that are named; of more, only the number is."""
MAX_SHOWN = 80
"""Characters that are shown of a key or a value."""


def explain(error: ValidationError, source: str) -> RecipeError:
    """The typed error for a recipe that failed validation.

    Args:
        error: what pydantic found.
        source: the recipe's name or path, or the override, for the error.
    """
    faults: dict[str, tuple[list[str], str]] = {}  # what is wrong: what each member of a union expected, what was got
    for fault in error.errors(include_url=False):
        what, expected, got = _fault(fault)
        faults.setdefault(what, ([], got))[0].append(expected)
    named = list(faults.items())[:MAX_FAULTS]
    more = [f"and {len(faults) - MAX_FAULTS} more"] if len(faults) > MAX_FAULTS else []
    return RecipeError(
        f"{source}: " + "; ".join([what for what, _ in named] + more),
        expected="; ".join(" or ".join(expected) for _, (expected, _) in named),
        got="; ".join(got for _, (_, got) in named),
        cure="docs/recipe-reference.md lists every key with its type and default",
    )


def _fault(fault: Mapping[str, Any]) -> tuple[str, str, str]:
    """What is wrong, what was expected and what was got."""
    written, known = _walk(fault["loc"])
    place = ".".join(map(_short, written)) or "the recipe"
    got = "null" if fault["input"] is None else _short(repr(fault["input"]))
    match fault["type"]:
        case "extra_forbidden":
            key = str(fault["loc"][-1])
            (nearest,) = difflib.get_close_matches(key, known, n=1, cutoff=0)
            where = ".".join(map(_short, [*written, key]))
            return f"unknown key {where}", f"a known key; the nearest is {nearest}", _short(key)
        case "union_tag_invalid":
            return f"{place}.name cannot be used", f"one of {fault['ctx']['expected_tags']}", fault["ctx"]["tag"]
        case "union_tag_not_found" if isinstance(fault["input"], dict):
            return f"{place} has no name", "a name that says which kind it is", got
        case "missing":
            return f"{place} is missing", "a value", got
        case "model_type" | "dict_type" | "union_tag_not_found":
            return f"{place} cannot be used", "a mapping", got
        case _:
            expected = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
            return f"{place} cannot be used", expected, got


def _walk(place: Sequence[int | str]) -> tuple[list[str], list[str]]:
    """The part of a place that a user wrote, and the keys known at its end.

    pydantic's place also names which member of a union was tried: a kind, such as `triplet`, narrows what is known;
    the rest, such as `constrained-float`, tells the user nothing.
    """
    written: list[str] = []
    models: list[type[BaseModel]] = [Recipe]
    for part in place:
        below = [field.annotation for model in models for key, field in _fields(model) if key == part]
        if below:
            models = [model for annotation in below for model in _models_in(annotation)]
        else:
            models = [model for model in models if part in kinds(model)] or models
        if below or isinstance(part, int):
            written.append(str(part))
    return written, [key for model in models for key, _ in _fields(model)]


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    return ((field.alias or name, field) for name, field in model.model_fields.items())


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
