from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, NonNegativeInt, PositiveFloat, PositiveInt

from docs_pages.types_in_words import type_in_words
from reseen.recipe.schema import Settings
from reseen.recipe.schema.settings import Arguments

HALF_OPEN = Annotated[float, Field(ge=0, lt=1)]
OTHER_HALF_OPEN = Annotated[float, Field(gt=0, le=1)]


class Below(Settings):
    size: int = 0


def link(settings: type[BaseModel]) -> str:
    return f"<{settings.__name__}>"


def words(annotation: Any) -> str:
    """As it would be said of a field of a model, which takes the outermost limits off the type."""
    return type_in_words(annotation, [], link)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, "text"),
        (bool, "`true` or `false`"),
        (int, "integer"),
        (float, "number"),
        (Arguments, "mapping of plain values"),
        (Below, "<Below>"),
        (Below | None, "<Below> or `null`"),
        (Literal["a"], "`a`"),
        (Literal["a", "b", "c"], "`a`, `b` or `c`"),
        (Literal[1, 2], "`1` or `2`"),
        (PositiveInt, "integer ≥ 1"),
        (NonNegativeInt, "integer ≥ 0"),
        (Annotated[int, Field(ge=16, le=2048)], "integer, 16–2048"),
        (Annotated[int, Field(gt=1, lt=8)], "integer, 2–7"),
        (Annotated[int, Field(ge=0, lt=2**63)], "integer, 0–2^63 - 1"),
        (Annotated[int, Field(ge=0, le=255)], "integer, 0–255"),
        (PositiveFloat, "number > 0"),
        (Annotated[float, Field(ge=0, le=1)], "number, 0–1"),
        (HALF_OPEN, "number, 0 ≤ x < 1"),
        (OTHER_HALF_OPEN, "number, 0 < x ≤ 1"),
        (Annotated[float, Field(lt=3)], "number < 3"),
        (Annotated[float, Field(ge=0.25, le=1, multiple_of=0.25)], "number, 0.25–1, a multiple of 0.25"),
        (Annotated[PositiveFloat, Field(le=1.5)], "number, 0 < x ≤ 1.5"),
        (PositiveFloat | Literal["soft"], "number > 0 or `soft`"),
        (PositiveFloat | None, "number > 0 or `null`"),
        (tuple[str, ...], "list of any length: text"),
        (tuple[PositiveInt, ...], "list of any length: integer ≥ 1"),
        (tuple[float, float, float], "list of 3: number"),
        (tuple[PositiveFloat, PositiveFloat], "list of 2: number > 0"),
        (Annotated[tuple[PositiveInt, ...], Field(min_length=2, max_length=5)], "list of 2 to 5: integer ≥ 1"),
        (tuple[Below, ...], "list of any length: <Below>"),
    ],
)
def test_types_are_said_in_words(annotation: Any, expected: str) -> None:
    assert words(annotation) == expected


def test_limits_that_stand_beside_the_type_count_too() -> None:
    class Model(BaseModel):
        size: PositiveInt
        share: HALF_OPEN

    fields = Model.model_fields
    found = [type_in_words(field.annotation, field.metadata, link) for field in fields.values()]

    assert found == ["integer ≥ 1", "number, 0 ≤ x < 1"]
