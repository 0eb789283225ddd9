"""What is wrong with a recipe, in words: every fault with its place, what was expected, and the nearest known key."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from reseen.errors import RecipeError
from reseen.recipe.schema import Recipe

MAX_FAULTS = 5


def explain(error: ValidationError, source: str) -> RecipeError:
    """The typed error for a recipe that failed validation."""
    faults = error.errors(include_url=False)
    lines = [_fault(fault["loc"], fault["type"], fault["msg"], fault["input"]) for fault in faults[:MAX_FAULTS]]
    if len(faults) > MAX_FAULTS:
        lines.append(f"and {len(faults) - MAX_FAULTS} more")
    return RecipeError(f"{source}: " + "; ".join(lines), cure="docs/recipes.md lists every key with its type and default")


def _fault(place: Sequence[int | str], kind: str, message: str, value: Any) -> str:
    where = ".".join(str(part) for part in _without_tags(place))
    if kind == "extra_forbidden":
        known = sorted(key for model in _models_at(place[:-1]) for key in _keys(model))
        near = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0)
        return f"unknown key {where} (nearest known key: {near[0]})" if near else f"unknown key {where}"
    shown = repr(value)
    return f"{where or 'the recipe'}: {message.removeprefix('Value error, ')}, got {shown if len(shown) < 80 else shown[:77] + '...'}"


def _models_at(place: Sequence[int | str]) -> list[type[BaseModel]]:
    """The settings classes that can stand at a place; a union's tag in the place narrows them to one."""
    models: list[type[BaseModel]] = [Recipe]
    for part in place:
        below = [field.annotation for model in models for key, field in _keys(model).items() if key == part]
        if below:
            models = [model for annotation in below for model in _settings_in(annotation)]
        else:
            models = [model for model in models if _tag(model) == part] or models
    return models


def _without_tags(place: Sequence[int | str]) -> list[int | str]:
    """The place without the tags that pydantic puts in for a union's member."""
    return [part for at, part in enumerate(place) if not any(_tag(model) == part for model in _models_at(place[:at]))]


def _keys(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _tag(model: type[BaseModel]) -> Any:
    field = model.model_fields.get("name")
    return field.default if field is not None else None


def _settings_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _settings_in(argument)]
