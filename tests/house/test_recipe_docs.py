"""docs/recipes.md says of every key of the schema what stands there, with its default."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reseen.recipe.load import shipped_recipes
from reseen.recipe.schema import Recipe
from reseen.recipe.yaml_file import parse_yaml

TOP = "The recipe"


def settings(annotation: Any) -> list[type[BaseModel]]:
    """The settings classes that an annotation allows."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in settings(argument)]


def parts(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Headings of the page that the schema calls for, and the settings each is about."""
    kind = model.model_fields["name"].default if path and "name" in model.model_fields else None
    yield (f"`{path}`" if path else TOP) + (f", `name: {kind}`" if kind else ""), model
    for key, field in model.model_fields.items():
        for below in settings(field.annotation):
            yield from parts(below, f"{path}.{field.alias or key}".lstrip("."))


PARTS = dict(parts(Recipe))


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "recipes.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tables(page: str) -> dict[str, dict[str, list[str]]]:
    """Cells after the key of every row, by heading and key."""
    _, *sections = re.split(r"^### ", page, flags=re.MULTILINE)
    rows = {}
    for section in sections:
        heading, _, body = section.partition("\n")
        cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body.splitlines() if "|" in line]
        rows[heading] = {key.strip("| `"): rest for key, *rest in cells[2:]}
    return rows


def default_of(field: FieldInfo) -> Any:
    """A default as YAML spells it; of settings of some kind the kind alone."""

    def plain(value: Any) -> Any:
        if isinstance(value, BaseModel):
            return {"name": value.name} if hasattr(value, "name") else value.model_dump(mode="json", by_alias=True)
        return [plain(each) for each in value] if isinstance(value, tuple) else value

    return json.loads(json.dumps(plain(field.default)))


def test_the_page_has_a_section_for_every_part_of_the_schema(tables: dict[str, dict[str, list[str]]]) -> None:
    assert tables.keys() == PARTS.keys()


@pytest.mark.parametrize("heading", PARTS)
def test_every_key_stands_there_with_its_type_default_and_meaning(
    heading: str, tables: dict[str, dict[str, list[str]]]
) -> None:
    fields = {field.alias or name: field for name, field in PARTS[heading].model_fields.items()}

    assert list(tables[heading]) == list(fields)
    for key, field in fields.items():
        kind, default, _ = tables[heading][key]
        assert kind
        if default == "required":
            assert field.is_required()
        elif default.startswith("[below]"):
            assert isinstance(field.default, BaseModel)
            assert field.default == type(field.default)()
        else:
            assert parse_yaml(default.strip("`"), "the page") == default_of(field)


def test_links_within_the_page_lead_somewhere(page: str) -> None:
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    assert set(re.findall(r"\]\(#([^)]*)\)", page)) <= anchors


def test_every_shipped_recipe_is_named(page: str) -> None:
    assert all(f"`{name}`" in page for name in shipped_recipes())
