"""`Store`: the folder that fetched models are kept in."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from reseen.catalogue.download import MAX_STATE_BYTES, Download, Limits, Progress
from reseen.catalogue.entry import Entry
from reseen.errors import DownloadError, StorageError, UsageError
from reseen.files import lock_folder, make_folder, read_bounded, require_file, write_whole
from reseen.strict import Strict

RECORD = "record.json"


class Record(Strict):
    """What was fetched.

    Attributes:
        url: from where.
        sha256: of the file.
        checked_by: how it was known to be the right one.
    """

    url: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    checked_by: str


@dataclass(frozen=True)
class Kept:
    """A model's file on this machine.

    Attributes:
        path: where it is.
        record: what is known of it.
    """

    path: Path
    record: Record


@dataclass(frozen=True)
class Store:
    """The folder that fetched models are kept in, each in a folder of its own with its record.

    Attributes:
        home: the folder; made when something is fetched.
        offline: whether nothing may be fetched.
        proxies: see `Download`.
        limits: see `Download`.
    """

    home: Path
    offline: bool = False
    proxies: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    def find(self, entry: Entry) -> Kept | None:
        """The model's file where all its files have been fetched; their content is not read."""
        kept = self._find(entry, RECORD)
        return kept if all(self._find(each, _record_of(each)) for each in entry.beside) else None

    def _find(self, entry: Entry, record_name: str) -> Kept | None:
        record = self._record(entry, record_name)
        path = self._folder(entry) / entry.file_name
        return Kept(path, record) if record is not None and path.is_file() else None

    def pull(self, entry: Entry, progress: Progress | None = None) -> Kept:
        """Fetch a model's files unless they are there and whole, and check them.

        Raises:
            UsageError: nothing may be fetched, the model is not one that is fetched, another process is fetching it, or
                there is a folder in its file's place.
            DownloadError: it could not be fetched, or is not the file that it should be; nothing is kept of that.
            StorageError: it cannot be written.
        """
        if entry.url is None:
            raise UsageError(
                f"{entry.name} is not fetched",
                expected="a model that can be downloaded",
                got=f"one that is part of a clone of reseen: {entry.path}",
                cure=f"use {entry.path} of a clone of reseen",
            )
        for each in entry.beside:
            self._pull(each, each.url or "", _record_of(each), progress)
        return self._pull(entry, entry.url, RECORD, progress)

    def _pull(self, entry: Entry, url: str, record_name: str, progress: Progress | None) -> Kept:
        """One file."""
        path = self._folder(entry) / entry.file_name
        require_file(path)
        kept = self._find(entry, record_name)
        if kept is not None and _hash(kept.path) == kept.record.sha256 and _is_of(entry, kept.path, kept.record.sha256):
            return kept
        if self.offline:
            raise UsageError(
                f"{entry.name} is not on this machine, and downloads are forbidden",
                expected=f"the file {path}",
                got="RESEEN_OFFLINE is set",
                cure="unset RESEEN_OFFLINE, or pull it on a connected machine with the same RESEEN_HOME",
            )
        with self._held(make_folder(self._folder(entry)), entry):
            return self._fetch(entry, url, path, record_name, progress)

    def _fetch(self, entry: Entry, url: str, path: Path, record_name: str, progress: Progress | None) -> Kept:
        part = path.with_name(f"{path.name}.part")
        limits = self.limits if entry.bytes is None else replace(self.limits, bytes=entry.bytes)
        earlier = self._record(entry, record_name)
        hash_known = any((entry.sha256, entry.sha256_prefix, entry.sha384, earlier))
        Download(url, part, limits, self.proxies, hash_known, progress).run()
        found = _hash(part)
        published = entry.sha256 or entry.sha256_prefix or entry.sha384
        pinned = None if published or earlier is None else earlier.sha256
        if not _is_of(entry, part, found) or pinned not in (None, found):
            got = found if entry.sha384 is None else _hash(part, "sha384")
            part.unlink()
            raise DownloadError(
                f"{url} is not the file that {entry.name} should be",
                expected=_wanted(entry, pinned),
                got=got,
                cure=f"do not use it; if its publisher has changed it, remove {self._folder(entry)} and pull again",
            )
        record = Record(url=url, sha256=found, checked_by=entry.checked_by)
        write_whole(self._folder(entry) / record_name, record.model_dump_json(indent=1) + "\n")
        try:
            part.replace(path)
        except OSError as error:
            raise _storage_error(path, error) from None
        return Kept(path, record)

    def _folder(self, entry: Entry) -> Path:
        return self.home / "models" / entry.name

    def _record(self, entry: Entry, record_name: str) -> Record | None:
        path = self._folder(entry) / record_name
        with contextlib.suppress(OSError, ValueError):  # a ValidationError is a ValueError
            return Record.model_validate_json(read_bounded(path, MAX_STATE_BYTES))
        return None

    @contextlib.contextmanager
    def _held(self, folder: Path, entry: Entry) -> Iterator[None]:
        """Keep others from fetching the same model; the system lets go when the process ends, however it does."""
        try:
            lock = lock_folder(folder)
        except OSError as error:
            raise _storage_error(folder, error) from None
        if lock is None:
            raise UsageError(
                f"{entry.name} is being pulled by another process",
                expected="one process at a time",
                got=f"{folder} in use",
                cure="wait until it is done",
            )
        try:
            yield
        finally:
            lock.release()


def _record_of(further: Entry) -> str:
    """Where it is recorded what a further file of a model is."""
    return f"{further.file_name}.{RECORD}"


def _is_of(entry: Entry, path: Path, sha256: str) -> bool:
    return entry.matches(sha256, "" if entry.sha384 is None else _hash(path, "sha384"))


def _wanted(entry: Entry, pinned: str | None) -> str:
    if entry.sha384 is not None:
        return f"SHA-384 {entry.sha384}"
    wanted = entry.sha256 or pinned or f"{entry.sha256_prefix}…"
    return f"SHA-256 {wanted}" + (", as when it was first pulled" if pinned else "")


def _hash(path: Path, kind: str = "sha256") -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, kind).hexdigest()
    except OSError as error:
        raise _storage_error(path, error) from None


def _storage_error(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"cannot read or write {path}",
        expected="permission, and a working disk",
        got=error.strerror or str(error),
        cure="set RESEEN_HOME to another folder",
    )
