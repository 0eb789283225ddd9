"""Fetching one file: bounded in bytes and time, and going on where it was cut off."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from reseen.catalogue.address import build_opener, check_address
from reseen.errors import DownloadError, StorageError
from reseen.files import write_whole
from reseen.strict import Strict

CHUNK = 2**20
MAX_STATE_BYTES = 4096
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EISDIR, errno.EFBIG, errno.EIO)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Limits:
    """What a download may take.

    Attributes:
        bytes: of the whole file.
        silence: seconds in which nothing comes.
        seconds: all in all.
    """

    bytes: int = 2 * 2**30
    silence: float = 30.0
    seconds: float = 4 * 3600.0


class State(Strict):
    """What a part is a part of.

    Attributes:
        url: where it was asked for.
        tag: what the server says identifies the file: its strong ETag, or else the date of its last change.
    """

    url: str
    tag: str


@dataclass(frozen=True)
class Download:
    """One file on its way from an address to the disk.

    Attributes:
        url: https, or http on this machine.
        part: where the file grows. What is there of an earlier try is kept if the server still has the very same file;
            beside it stands what it is a part of.
        limits: what it may take.
        proxies: see `build_opener`.
        progress: called with the bytes that are there and those that there will be, 0 where nobody says.
    """

    url: str
    part: Path
    limits: Limits
    proxies: Mapping[str, str]
    progress: Progress | None = None

    def run(self) -> None:
        """Fetch the file whole.

        Raises:
            DownloadError: the address is not safe, there is no connection, the server refuses or sends something else,
                or a limit is reached. What has come is kept where it can be gone on from.
            StorageError: it cannot be written.
        """
        check_address(self.url)
        try:
            with self._open() as response:
                offset = self._begin(response)
                total = self._total(response, offset)
                with self.part.open("ab") as file:
                    self._copy(response, file, offset, total)
                self._state_file.unlink(missing_ok=True)
        except (http.client.HTTPException, OSError, ValueError) as error:  # an URLError is an OSError too
            if isinstance(error, OSError) and error.errno in OF_THE_DISK:
                raise StorageError(
                    f"cannot write {self.part}",
                    expected="room on the disk and the right to write there",
                    got=str(error.strerror),
                    cure="free some space, or set RESEEN_HOME to another folder",
                ) from None
            raise self._failed(str(getattr(error, "reason", error)) or type(error).__name__) from None

    @property
    def _state_file(self) -> Path:
        return self.part.with_name(f"{self.part.name}.json")

    def _there(self) -> tuple[int, str]:
        """Bytes that are there and the tag of their file; none where it is not known what they are a part of."""
        with contextlib.suppress(OSError, ValidationError), self._state_file.open("rb") as file:
            state = State.model_validate_json(file.read(MAX_STATE_BYTES))
            if state.url == self.url:
                return self.part.stat().st_size, state.tag
        return 0, ""

    def _open(self) -> http.client.HTTPResponse:
        headers = {"Accept-Encoding": "identity", "User-Agent": "reseen"}
        there, tag = self._there()
        if there:
            headers |= {"Range": f"bytes={there}-", "If-Range": tag}
        try:
            request = urllib.request.Request(self.url, headers=headers)  # noqa: S310 - the scheme has been checked
            answer = build_opener(self.proxies).open(request, timeout=self.limits.silence)
            return cast("http.client.HTTPResponse", answer)
        except urllib.error.HTTPError as error:
            error.close()
            if there and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                self.part.unlink()
                return self._open()
            raise DownloadError(
                f"{self.url} is refused by its server",
                expected="the file",
                got=f"{error.code} {error.reason}"[:300],
                cure="try later; if the file is gone, ask its source where it is now",
            ) from None

    def _begin(self, response: http.client.HTTPResponse) -> int:
        """Where the answer begins in the file: 0 unless the server goes on with the very file that was begun."""
        if response.status == http.client.PARTIAL_CONTENT:
            there, _ = self._there()
            first = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
            if first != str(there) or there == 0:
                raise ValueError("a part of the file that was not asked for")
            return there
        if response.status != http.client.OK:
            raise ValueError(f"the answer {response.status}")
        self._state_file.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)
        tag = response.headers.get("ETag", "")
        tag = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")  # a weak one is of like files
        if 0 < len(tag) < MAX_STATE_BYTES // 4:
            write_whole(self._state_file, State(url=self.url, tag=tag).model_dump_json())
        return 0

    def _total(self, response: http.client.HTTPResponse, offset: int) -> int:
        """Bytes of the whole file, or 0 where the server does not say."""
        length = response.headers.get("Content-Length", "")
        total = offset + int(length) if length.isdecimal() else 0
        if total > self.limits.bytes:
            raise self._too_large(f"{total:,} bytes")
        return total

    def _copy(self, response: http.client.HTTPResponse, file: BufferedIOBase, there: int, total: int) -> None:
        deadline = time.monotonic() + self.limits.seconds
        while chunk := response.read1(CHUNK):
            there += len(chunk)
            if there > self.limits.bytes:
                self._state_file.unlink(missing_ok=True)
                file.truncate(0)
                raise self._too_large("more, and no end")
            file.write(chunk)
            if self.progress is not None:
                self.progress(there, total)
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done after {self.limits.seconds:,.0f} seconds")
        file.flush()
        os.fsync(file.fileno())
        if total and there != total:
            raise ValueError(f"cut off after {there:,} of {total:,} bytes")

    def _too_large(self, got: str) -> DownloadError:
        return DownloadError(
            f"{self.url} is too large",
            expected=f"at most {self.limits.bytes:,} bytes",
            got=got,
            cure="check with its source that this is the right file",
        )

    def _failed(self, got: str) -> DownloadError:
        there, _ = self._there()
        again = f"the same command goes on after the {there:,} bytes that are there" if there else "try again"
        return DownloadError(
            f"{self.url} could not be fetched whole",
            expected="an answer with the whole file",
            got=got[:300],
            cure=f"check the connection; {again}",
        )
