"""Whether there is room to write, and the right to."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from reseen.doctor.finding import Finding

RUN_BYTES = 2 * 10**9
"""Room for a run of a large network: `latest` with its state, `best`, and the epochs that are kept."""
TEMPORARY_BYTES = 10**8


def check_folder(name: str, folder: Path, needed: int) -> Finding:
    """Write a temporary file where `folder` is or would be made, and measure the room there.

    Args:
        name: what the folder is for.
        folder: it need not exist yet.
        needed: bytes that should be free.
    """
    folder = folder.absolute()
    try:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if not there.is_dir():
            return Finding(name, "problem", f"{folder}: {there} is a file", "name another folder")
        with tempfile.TemporaryFile(dir=there):
            pass
        free = free_bytes(there)
    except OSError as error:
        text = f"{folder} cannot be written: {error.strerror or error}"
        return Finding(name, "problem", text, "get the right to write there, or name another folder")
    room = f"{free / 1e9:,.1f} GB free"
    if free < needed:
        text = f"too little room for {folder}: {room}, and {needed / 1e9:,.1f} GB are needed"
        return Finding(name, "problem", text, "free some space, or name another folder")
    return Finding(name, "ok", f"{folder} can be written, {room}")


def free_bytes(folder: Path) -> int:
    """Bytes that this user may still write."""
    return shutil.disk_usage(folder).free
