"""Keeping a library from reporting to its vendor, in this process alone."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

REPORTER = "openvino_telemetry"
"""What OpenVINO and NNCF report with, wherever the user has not signed it off."""


@contextlib.contextmanager
def reporter_missing() -> Iterator[None]:
    """Let what is imported while entered find no `REPORTER`, which it can do without.

    Both, when they find it, write an identity into the user's home and start a process that sends it to their vendor,
    as soon as they are imported (seen in OpenVINO 2026.4 and NNCF 3.4).
    """
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == REPORTER}
    sys.modules[REPORTER] = None  # type: ignore[assignment]  # Python's own sign for what cannot be imported
    try:
        yield
    finally:
        del sys.modules[REPORTER]
        sys.modules.update(hidden)
