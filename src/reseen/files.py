"""Writing files whole: whatever happens, the old file or the new one is there, never half of either."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reseen.errors import StorageError, UsageError

if TYPE_CHECKING:
    from filelock import BaseFileLock


def make_folder(path: Path) -> Path:
    """Make a folder, and those above it; one that exists is fine.

    Raises:
        UsageError: there is a file.
        StorageError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(
            f"{path} cannot be a folder", expected="a folder", got="a file", cure="choose another folder"
        ) from None
    except OSError as error:
        raise _storage_error(path, error) from None
    return path


def require_empty(folder: Path) -> None:
    """Check that nothing is in a folder, or that it does not exist yet.

    Raises:
        UsageError: something is there.
        StorageError: it cannot be looked into.
    """
    try:
        in_the_way = any(folder.iterdir()) if folder.is_dir() else folder.exists()
    except OSError as error:
        raise _storage_error(folder, error) from None
    if in_the_way:
        raise UsageError(
            f"{folder} exists already",
            expected="an empty or new folder",
            got="a folder with files in it" if folder.is_dir() else "a file",
            cure="choose another folder, or empty this one first",
        )


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep a folder to this process while entered; the system lets go of it when the process ends, however it does.

    Raises:
        UsageError: another process holds it.
        StorageError: the lock cannot be written.
    """
    try:
        lock = lock_folder(folder)
    except OSError as error:
        raise _storage_error(folder, error) from None
    if lock is None:
        raise UsageError(
            f"{folder} is in use",
            expected="a folder that no other run writes to",
            got="a run that is still going",
            cure="wait for that run to end, or choose another --output",
        )
    try:
        yield
    finally:
        lock.release()


def lock_folder(folder: Path) -> BaseFileLock | None:
    """A lock that keeps a folder to its holder until it is released, or the process ends; None where another has it.

    Raises:
        OSError: the file `.lock` cannot be written there.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415  (most processes lock nothing)

    lock = FileLock(folder / ".lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


def write_whole(path: Path, data: bytes | str) -> None:
    """Write a file beside its place, flush it to the disk, then move it over the old one.

    Args:
        path: where the file goes; its folder exists. Of a link, the file that it leads to is written.
        data: its content; text is written as UTF-8.

    Raises:
        UsageError: there is something else than a file: a folder, a device.
        StorageError: disk full, read-only, no permission. The old file is untouched.
    """
    path = require_file(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise _storage_error(path, error) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def read_bounded(path: Path, most: int) -> bytes:
    """The bytes of a file.

    Args:
        path: a file; of a pipe the end might never come.
        most: bytes that it may have.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no file, or larger.
    """
    if path.exists() and not path.is_file():
        raise ValueError("a folder, a pipe or a device")
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"more than {most:,} bytes")
    return content


def require_file(path: Path) -> Path:
    """Where a path leads, which is a file or nothing yet: moving a file over a device would take the device away.

    Raises:
        UsageError: there is something else than a file.
        StorageError: it cannot be looked at.
    """
    try:
        path = path.resolve()
        in_the_way = path.exists() and not path.is_file()
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to each other
        raise _storage_error(path, error) from None
    if in_the_way:
        raise UsageError(
            f"{path} cannot be a file",
            expected="a file, or nothing yet",
            got="a folder" if path.is_dir() else "something else in its place, such as a device",
            cure="choose another name",
        )
    return path


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Add lines to a log, each with the time before it.

    Raises:
        StorageError: disk full, read-only, no permission.
    """
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    append_text(path, "".join(f"{now} {line}\n" for line in lines))


def append_text(path: Path, text: str) -> None:
    """Add text to a file.

    Raises:
        StorageError: disk full, read-only, no permission.
    """
    try:
        # A path in it may be of bytes that are no UTF-8.
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise _storage_error(path, error) from None


def _flush_folder(folder: Path) -> None:
    """Make a rename last through a power cut; not where no folder can be opened, as on Windows."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storage_error(path: Path, error: OSError | RuntimeError) -> StorageError:
    return StorageError(
        f"cannot write {path}",
        expected="free disk space and write permission",
        got=getattr(error, "strerror", None) or str(error),
        cure="free some space or choose another --output; what was saved before is untouched",
    )
