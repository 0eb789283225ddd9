"""docs/recipe-reference.md says of every key of the schema what stands there, with its default.

The page is generated; this walks the schema in a way of its own, and reads the page as a reader does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from reseen.recipe.load import shipped_recipes
from reseen.recipe.schema import Recipe
from reseen.recipe.yaml_file import parse_yaml


def parts(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """The path of every part of a recipe, and the settings it may have."""
    yield path, model
    for key, field in model.model_fields.items():
        for below in settings(field.annotation):
            yield from parts(below, f"{path}.{field.alias or key}".lstrip("."))


def settings(annotation: Any) -> list[type[BaseModel]]:
    """The settings classes that an annotation allows."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in settings(argument)]


PARTS = sorted(set(parts(Recipe)), key=lambda part: (part[0], part[1].__name__))


@pytest.fixture(scope="module")
def tables(repository: Path) -> dict[str, dict[str, list[str]]]:
    """Cells after the key of every row, by heading and key."""
    page = (repository / "docs" / "recipe-reference.md").read_text(encoding="utf-8")
    _, *sections = re.split(r"^##+ ", page, flags=re.MULTILINE)
    rows = {}
    for section in sections:
        heading, _, body = section.partition("\n")
        cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body.splitlines() if "|" in line]
        rows[heading] = {key.strip("| `"): rest for key, *rest in cells[2:]}
    return rows


def default_of(value: Any) -> Any:
    """A default as YAML spells it; of settings of some kind the kind alone."""
    if isinstance(value, BaseModel):
        dumped = value.model_dump(mode="json")
        return {"name": dumped["name"]}
    return [default_of(each) for each in value] if isinstance(value, tuple) else value


def table_of(path: str, model: type[BaseModel], tables: dict[str, dict[str, list[str]]]) -> dict[str, list[str]]:
    """The table of a part's section; where a part may be of several kinds, the heading names them."""
    start = f"`{path}`" if path else "The recipe"
    kind = kind_of(model) if path else ""
    (found,) = [table for heading, table in tables.items() if heading.split(": ")[0] == start and kind in heading]
    return found


def kind_of(model: type[BaseModel]) -> str:
    """A name that asks for these settings, as a heading shows it."""
    name = model.model_fields.get("name")
    return "" if name is None else ":NAME`" if name.is_required() else f"`{name.default}`"


@pytest.mark.parametrize(("path", "model"), PARTS)
def test_every_key_stands_there_with_its_type_default_and_meaning(
    path: str, model: type[BaseModel], tables: dict[str, dict[str, list[str]]]
) -> None:
    table = table_of(path, model, tables)

    assert list(table) == [field.alias or name for name, field in model.model_fields.items()]
    for name, field in model.model_fields.items():
        kind, default, meaning = table[field.alias or name]
        assert kind
        assert len(meaning) > 3
        if default == "required":
            assert field.is_required()
        elif default.startswith("[below]"):
            assert isinstance(field.default, BaseModel)
            assert field.default == type(field.default)()
        else:
            assert parse_yaml(default.strip("`"), "the page") == json.loads(json.dumps(default_of(field.default)))


def test_the_page_has_no_section_of_something_else(tables: dict[str, dict[str, list[str]]]) -> None:
    assert len(tables) == len(PARTS)


def test_every_shipped_recipe_is_named(repository: Path) -> None:
    page = (repository / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in shipped_recipes())
