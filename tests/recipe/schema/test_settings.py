from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import BaseModel, Tag, TypeAdapter, ValidationError

from reseen.recipe import schema
from reseen.recipe.load import load_recipe
from reseen.recipe.schema.settings import Settings, chosen_by_name, kinds


def parts(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every class of settings below an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from parts(field.annotation)
    for argument in get_args(annotation):
        yield from parts(argument)


PARTS = sorted(set(parts(schema.Recipe)), key=lambda part: part.__name__)


class Named(Settings):
    name: Literal["one", "two"] = "one"


class Unnamed(Settings):
    size: int = 0


@pytest.mark.parametrize("part", PARTS)
def test_every_field_is_documented_and_nothing_else(part: type[BaseModel]) -> None:
    _, _, attributes = (part.__doc__ or "").partition("Attributes:\n")
    documented = re.findall(r"^        (\w+): \S", attributes, re.MULTILINE)

    assert documented == [field.alias or name for name, field in part.model_fields.items()]


@pytest.mark.parametrize("union", [schema.Backbone, schema.Pooling, schema.Head, schema.Loss, schema.Optimizer])
def test_tags_are_the_names_of_their_kinds(union: Any) -> None:
    members, _ = get_args(union)
    tagged: dict[type[BaseModel], set[str]] = {}
    for member in get_args(members):
        settings, tag = get_args(member)
        assert isinstance(tag, Tag)
        tagged.setdefault(settings, set()).add(tag.tag)

    assert tagged == {settings: set(kinds(settings)) for settings in tagged}


def test_kinds_are_the_names_that_choose_settings() -> None:
    assert kinds(Named) == ("one", "two")
    assert kinds(Unnamed) == ()
    assert kinds(schema.Timm) == ("timm:NAME",)
    assert kinds(schema.Recipe) == ()


def test_a_union_without_a_name_takes_its_default_kind() -> None:
    union: TypeAdapter[Any] = TypeAdapter(Annotated[Annotated[Named, Tag("one")], chosen_by_name("one")])

    assert union.validate_python({}) == Named()
    assert union.validate_python(Named()) == Named()
    with pytest.raises(ValidationError, match="three"):
        union.validate_python({"name": "three"})


def test_a_recipe_cannot_be_changed() -> None:
    recipe = load_recipe("baseline")
    with pytest.raises(ValidationError, match="frozen"):
        recipe.seed = 1
    with pytest.raises(ValidationError, match="frozen"):
        recipe.training.epochs = 1
