"""What is written to a file as JSON and read back: `Strict`, the base of such models, and how one is read safely."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reseen.errors import ReseenError
from reseen.files import read_bounded

Rate = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Model = TypeVar("Model", bound=BaseModel)
MAX_FAULT = 300
"""Characters of a fault that are passed on."""


class Strict(BaseModel):
    """Frozen, closed to unknown keys, of exact types, and without NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def read_json(path: Path, model: type[Model], most: int, refuse: Callable[[str], ReseenError]) -> Model:
    """What a JSON file holds.

    Args:
        path: the file.
        model: what it must hold.
        most: bytes that it may have.
        refuse: makes the error from what is wrong, in a few words: not there, too large, no JSON, or the first key at
            fault.

    Raises:
        ReseenError: what `refuse` makes.
    """
    try:
        return model.model_validate_json(read_bounded(path, most))
    except (OSError, ValueError) as error:
        raise refuse(fault(error)) from None


def read_json_lines(path: Path, model: type[Model], most: int, refuse: Callable[[str], ReseenError]) -> list[Model]:
    """What a file of one JSON object a line holds; arguments and errors as for `read_json`, the fault with its line.

    Raises:
        ReseenError: what `refuse` makes.
    """
    number, read = 0, []
    try:
        for number, line in enumerate(read_bounded(path, most).splitlines(), 1):  # noqa: B007 - told in the error
            read.append(model.model_validate_json(line))
    except (OSError, ValueError) as error:
        raise refuse(f"line {number}: {fault(error)}" if number else fault(error)) from None
    return read


def fault(error: OSError | ValueError) -> str:
    """What is wrong with a file, in a few words; of what pydantic finds, the first."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        return f"{place}: {message}"[:MAX_FAULT] if place else message[:MAX_FAULT]
    return (getattr(error, "strerror", None) or str(error))[:MAX_FAULT]
