"""Reading what a run has written, with an error that names the file for whatever it lacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from reseen.errors import UsageError
from reseen.files import read_bounded

MAX_BYTES = 64 * 2**20
Parsed = TypeVar("Parsed")


def read_run_file(path: Path, parse: Callable[[bytes], Parsed]) -> Parsed:
    """What a file of a run's folder tells.

    Args:
        path: the file.
        parse: its content to what is wanted; raises the errors of its own statements where something is not there.

    Raises:
        UsageError: it cannot be read, is too large, or lacks something.
    """
    try:
        return parse(read_bounded(path, MAX_BYTES))
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path} does not tell what a record of results needs",
            expected="what reseen train writes",
            got=f"{type(error).__name__}: {error}"[:300],
            cure="check the run's folder, or train again",
        ) from None
