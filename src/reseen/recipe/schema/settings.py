"""`Settings`, the base of every part of a recipe, and what the parts share."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Arguments = dict[str, bool | int | float | str]
"""Keyword arguments handed on to another library: plain values only."""


class Settings(BaseModel):
    """Base of every part of a recipe: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    open_kind: ClassVar[str] = ""
    """How the kind is called where `name` is open: `timm:NAME` stands for every name that begins with `timm:`."""


def kinds(settings: type[BaseModel]) -> tuple[str, ...]:
    """The names by which a recipe can ask for these settings; none where they are not one kind of several."""
    name = settings.model_fields.get("name")
    open_kind = getattr(settings, "open_kind", "")
    return () if name is None else (open_kind,) if open_kind else get_args(name.annotation)


def chosen_by_name(default: str | None = None) -> Discriminator:
    """Which member of a union a mapping is for: its `name` says it, or `default` where there is none."""

    def kind(value: Any) -> str | None:
        name = value.get("name", default) if isinstance(value, dict) else getattr(value, "name", default)
        if name is None:
            return None
        prefix, colon, _ = str(name).partition(":")
        return f"{prefix}:NAME" if colon else prefix

    return Discriminator(kind)
