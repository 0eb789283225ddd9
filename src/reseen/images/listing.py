"""Listing of folders, for the readers: images in a fixed order, and what to show of a folder in an error."""

from __future__ import annotations

from pathlib import Path

from reseen.errors import DatasetError
from reseen.images.decode import SUFFIXES

MAX_ENTRIES = 10_000_000
"""Most entries of one folder that are read."""


def entries(folder: Path) -> list[Path]:
    """What lies in `folder`, hidden entries aside, sorted by name.

    Raises:
        DatasetError: it cannot be read, or holds more than `MAX_ENTRIES` entries.
    """
    found: list[Path] = []
    try:
        for entry in folder.iterdir():
            if entry.name.startswith("."):
                continue
            if len(found) == MAX_ENTRIES:
                raise DatasetError(
                    f"{folder} holds too many files",
                    expected=f"at most {MAX_ENTRIES:,}",
                    got="more",
                    cure="describe the dataset with a CSV manifest, or split the folder",
                )
            found.append(entry)
    except OSError as error:
        raise DatasetError(
            f"{folder} cannot be read",
            expected="a folder",
            got=error.strerror or str(error),
            cure="check the path and its permissions",
        ) from error
    return sorted(found)


def is_image(path: Path) -> bool:
    """Whether the name is an image's."""
    return path.suffix.lower() in SUFFIXES


def image_files(folder: Path) -> list[Path]:
    """The images directly in `folder`, sorted by name."""
    return [path for path in entries(folder) if is_image(path)]


def describe_folder(folder: Path, most: int = 8) -> str:
    """The first few entries of a folder, for an error's `got`."""
    names = [entry.name + "/" if entry.is_dir() else entry.name for entry in entries(folder)]
    if not names:
        return "an empty folder"
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
