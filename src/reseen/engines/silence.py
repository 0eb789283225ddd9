"""Keeping what C libraries print off the standard output, where programs look for results."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

STDOUT = 1
C_LIBRARY = "ucrtbase" if sys.platform == "win32" else None
"""Where `fflush` is: the program itself has it, but on Windows."""
_ONE_AT_A_TIME = threading.RLock()


@contextlib.contextmanager
def silent_stdout(into: Path | None = None) -> Iterator[None]:
    """Lead the process's standard output elsewhere while entered; what was printed before still comes out.

    What other threads print meanwhile goes there too, so this is for short work. Where there is no standard output,
    nothing is done.

    Args:
        into: a file for what is printed; None for nowhere.
    """
    with _ONE_AT_A_TIME:  # else one thread would take another's elsewhere for the output to come back to
        _flush()
        try:
            kept = os.dup(STDOUT)
        except OSError:
            yield
            return
        try:
            with (into or Path(os.devnull)).open("wb") as elsewhere:
                os.dup2(elsewhere.fileno(), STDOUT)
            yield
        finally:
            _flush()
            os.dup2(kept, STDOUT)
            os.close(kept)


def _flush() -> None:
    """Python's buffer, and that of the C library, in which prints wait when the output is no terminal."""
    if sys.stdout is not None:
        sys.stdout.flush()
    ctypes.CDLL(C_LIBRARY).fflush(None)
