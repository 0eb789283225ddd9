"""The page that describes every key of a recipe, made from the schema and its docstrings."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs_pages.types_in_words import type_in_words
from reseen.recipe.schema import Recipe, kinds

INTRODUCTION = """# Recipe reference
Every key that a [recipe](recipes.md) can have, with its type, its default and what it means. This page is made from
the schema that checks recipes.

The defaults hold where neither a recipe nor one it extends sets the key; the shipped recipes set most keys themselves.
Where a `name` chooses among kinds, each kind has keys of its own.
"""


@dataclass(frozen=True)
class Part:
    """Some settings, and where a recipe has them.

    Attributes:
        path: `model.backbone`; empty for the recipe itself.
        settings: their class.
    """

    path: str
    settings: type[BaseModel]

    @property
    def heading(self) -> str:
        """What the section is called: the path, and the names that ask for these settings where there are several."""
        names = ", ".join(f"`{name}`" for name in kinds(self.settings)) if self.path else ""
        return (f"`{self.path}`" if self.path else "The recipe") + (f": {names}" if names else "")

    @property
    def anchor(self) -> str:
        """What a link to the section ends with."""
        return re.sub(r"[^\w\- ]", "", self.heading.lower()).replace(" ", "-")


def recipe_reference() -> str:
    """The page as Markdown: a section for each part of a recipe, with a table of its keys."""
    parts = dict.fromkeys(_parts(Part("", Recipe)))  # each once: two kinds of schedule have the same warm-up
    return "\n".join([INTRODUCTION, *map(_section, parts)])


def _parts(part: Part) -> Iterator[Part]:
    yield part
    for key, field in _fields(part.settings):
        for settings in _settings_in(field.annotation):
            yield from _parts(Part(f"{part.path}.{key}".lstrip("."), settings))


def _section(part: Part) -> str:
    summary, meanings = _documentation(part.settings)
    rows = [
        f"| `{key}` | {_type(part, key, field)} | {_default(part, key, field)} | {meanings[key]} |"
        for key, field in _fields(part.settings)
    ]
    marks = "#" * min(2 + part.path.count("."), 3) if part.path else "##"
    return "\n".join(
        [f"{marks} {part.heading}", summary, "", "| key | type | default | meaning |", "|---|---|---|---|", *rows, ""]
    )


def _fields(settings: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    return ((field.alias or name, field) for name, field in settings.model_fields.items())


def _type(part: Part, key: str, field: FieldInfo) -> str:
    def link(settings: type[BaseModel]) -> str:
        below = Part(f"{part.path}.{key}".lstrip("."), settings)
        names = kinds(settings) or ("mapping",)
        return ", ".join(f"[{name}](#{below.anchor})" for name in names)

    open_kind = getattr(part.settings, "open_kind", "")
    words = f"`{open_kind}`" if key == "name" and open_kind else type_in_words(field.annotation, field.metadata, link)
    return words.replace("|", "\\|")


def _default(part: Part, key: str, field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.default
    if isinstance(default, BaseModel) and not kinds(type(default)):
        return f"[below](#{Part(f'{part.path}.{key}'.lstrip('.'), type(default)).anchor})"
    return f"`{_plain(default)}`"


def _plain(default: Any) -> str:
    """A default as YAML on one line; of settings of some kind, the name alone."""

    def short(value: Any) -> Any:
        if isinstance(value, BaseModel):
            return {"name": value.model_dump()["name"]}
        return [short(each) for each in value] if isinstance(value, tuple) else value

    return json.dumps(short(default)).replace('"', "")


def _documentation(settings: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """What a docstring says of the settings, and of each key."""
    summary, _, attributes = inspect.getdoc(settings).partition("Attributes:\n")  # type: ignore[union-attr]
    entries = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", attributes, re.MULTILINE)
    return summary.strip(), {key: _sentence(text) for key, text in entries}


def _sentence(text: str) -> str:
    text = re.sub(r"\s+", " ", text).replace("|", "\\|")
    is_symbol = not text[0].isascii() or text[1] == ","
    return text if is_symbol else text[0].upper() + text[1:]


def _settings_in(annotation: Any) -> list[type[BaseModel]]:
    """The settings classes that an annotation allows, each once."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return list(dict.fromkeys(each for argument in get_args(annotation) for each in _settings_in(argument)))
