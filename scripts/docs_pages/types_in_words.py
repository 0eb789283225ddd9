"""What a key of a recipe may hold, in words: `integer, 16–2048`."""

from __future__ import annotations

import builtins
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reseen.recipe.schema.settings import Arguments

Link = Callable[[type[BaseModel]], str]
"""How settings of their own are called, with a link to where they are described."""
SIMPLE: dict[Any, str] = {str: "text", bool: "`true` or `false`", Arguments: "mapping of plain values"}


def type_in_words(annotation: Any, limits: list[Any], link: Link) -> str:
    """The words for a type and its limits.

    Args:
        annotation: a field's type.
        limits: what pydantic or annotated_types say of it: `Ge(16)`, `Le(2048)`, `MinLen(2)`.
        link: what to write for settings.
    """
    arguments = get_args(annotation)
    match get_origin(annotation):
        case typing.Annotated:
            return type_in_words(arguments[0], [*arguments[1:], *limits], link)
        case typing.Union | types.UnionType:
            return _union(arguments, limits, link)
        case typing.Literal:
            return _one_of([f"`{each}`" for each in arguments])
        case builtins.tuple:
            return _list(arguments, limits, link)
    if annotation in SIMPLE:
        return SIMPLE[annotation]
    return link(annotation) if issubclass(annotation, BaseModel) else _number(annotation, dict(_limits(limits)))


def _union(members: tuple[Any, ...], limits: list[Any], link: Link) -> str:
    null = ["`null`"] * (type(None) in members)
    return _one_of([type_in_words(member, limits, link) for member in members if member is not type(None)] + null)


def _one_of(words: list[str]) -> str:
    words = list(dict.fromkeys(words))
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _list(arguments: tuple[Any, ...], limits: list[Any], link: Link) -> str:
    found = dict(_limits(limits))
    length = str(len(arguments))
    if arguments[-1] is Ellipsis:
        length = f"{found.get('min_length', 0)} to {found['max_length']}" if "max_length" in found else "any length"
    return f"list of {length}: {type_in_words(arguments[0], [], link)}"


def _number(kind: type, limits: dict[str, Any]) -> str:
    words = "integer" if kind is int else "number"
    if kind is int and "gt" in limits:
        limits["ge"] = limits.pop("gt") + 1
    if kind is int and "lt" in limits:
        limits["le"] = limits.pop("lt") - 1
    if {"ge", "le"} <= limits.keys():
        words += f", {limits['ge']}–{_bound(limits['le'])}"
    elif len(limits.keys() & {"gt", "ge"}) == len(limits.keys() & {"lt", "le"}) == 1:
        low = f"{limits['ge']} ≤" if "ge" in limits else f"{limits['gt']} <"
        words += f", {low} x " + (f"≤ {limits['le']}" if "le" in limits else f"< {limits['lt']}")
    else:
        signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
        words += "".join(f" {sign} {limits[name]}" for name, sign in signs.items() if name in limits)
    return words + (f", a multiple of {limits['multiple_of']}" if "multiple_of" in limits else "")


def _bound(value: int | float) -> str:
    """A number; the largest of so many bits as a power."""
    bits = int(value).bit_length()
    return f"2^{bits} - 1" if value == 2**bits - 1 and bits > 31 else str(value)


def _limits(metadata: list[Any]) -> Iterator[tuple[str, Any]]:
    """Names and values of limits; a `Field` within an `Annotated` brings several."""
    for each in metadata:
        if isinstance(each, FieldInfo):
            yield from _limits(each.metadata)
        for name in ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length"):
            if getattr(each, name, None) is not None:
                yield name, getattr(each, name)
