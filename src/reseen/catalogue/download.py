"""Fetching one file: bounded in bytes and time, and going on where it was cut off."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from reseen.catalogue.address import build_opener, check_address
from reseen.catalogue.deadline import Deadline
from reseen.errors import DownloadError, StorageError
from reseen.files import read_bounded, write_whole
from reseen.strict import Strict

CHUNK = 2**20
MAX_STATE_BYTES = 4096
MAX_DIGITS = 18
CONTENT_RANGE = re.compile(rf"bytes (\d{{1,{MAX_DIGITS}}})-(\d{{1,{MAX_DIGITS}}})/(\d{{1,{MAX_DIGITS}}}|\*)", re.ASCII)
OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EISDIR, errno.EFBIG, errno.EIO)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Limits:
    """What a download may take.

    Attributes:
        bytes: of the whole file.
        silence: seconds in which nothing comes.
        seconds: all in all, from the request on.
    """

    bytes: int = 2 * 2**30
    silence: float = 30.0
    seconds: float = 4 * 3600.0


class State(Strict):
    """What a part is a part of.

    Attributes:
        url: where it was asked for.
        tag: what the server says identifies the file: its strong ETag, or else the date of its last change.
        total: bytes of the whole file; 0 where the server did not say.
    """

    url: str
    tag: str
    total: int


NOTHING = State(url="", tag="", total=0)


@dataclass(frozen=True)
class Span:
    """What an answer brings of the file.

    Attributes:
        begin: bytes before it.
        end: bytes up to where it ends; 0 where the server does not say.
        total: bytes of the whole file; 0 where the server does not say.
    """

    begin: int
    end: int
    total: int


@dataclass(frozen=True)
class Download:
    """One file on its way from an address to the disk.

    Attributes:
        url: https, or http on this machine.
        part: where the file grows. What is there of an earlier try is kept if the server still has the very same file;
            beside it stands what it is a part of.
        limits: what it may take.
        proxies: see `build_opener`.
        hash_known: whether the caller can tell from a hash that the file is whole. If not, an answer that tells neither
            its length nor its end is refused: a connection that breaks off looks just the same.
        progress: called with the bytes that are there and those that there will be, 0 where nobody says.
    """

    url: str
    part: Path
    limits: Limits
    proxies: Mapping[str, str]
    hash_known: bool
    progress: Progress | None = None

    def run(self) -> None:
        """Fetch the file whole.

        Raises:
            DownloadError: the address is not safe, there is no connection, the server refuses or sends something else,
                or a limit is reached. What has come is kept where it can be gone on from.
            StorageError: it cannot be written.
        """
        check_address(self.url)
        deadline = Deadline.in_seconds(self.limits.seconds)
        try:
            with self._open(deadline) as response:
                span = self._begin(response)
                with self.part.open("ab") as file:
                    self._copy(response, file, span, deadline)
                self._state_file.unlink(missing_ok=True)
        except (http.client.HTTPException, OSError, ValueError) as error:  # an URLError is an OSError too
            if isinstance(error, OSError) and error.errno in OF_THE_DISK:
                raise StorageError(
                    f"cannot write {self.part}",
                    expected="free disk space and write permission",
                    got=str(error.strerror),
                    cure="free some space, or set RESEEN_HOME to another folder",
                ) from None
            raise self._failed(str(getattr(error, "reason", error)) or type(error).__name__) from None

    @property
    def _state_file(self) -> Path:
        return self.part.with_name(f"{self.part.name}.json")

    def _there(self) -> tuple[int, State]:
        """Bytes that are there and of what; none where that is not known."""
        with contextlib.suppress(OSError, ValueError):  # a ValidationError is a ValueError
            state = State.model_validate_json(read_bounded(self._state_file, MAX_STATE_BYTES))
            if state.url == self.url:
                return self.part.stat().st_size, state
        return 0, NOTHING

    def _forget(self) -> None:
        self._state_file.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)

    def _open(self, deadline: Deadline) -> http.client.HTTPResponse:
        headers = {"Accept-Encoding": "identity", "User-Agent": "reseen"}
        there, state = self._there()
        if there:
            headers |= {"Range": f"bytes={there}-", "If-Range": state.tag}
        try:
            request = urllib.request.Request(self.url, headers=headers)  # noqa: S310 - the scheme has been checked
            answer = build_opener(self.proxies, deadline).open(request, timeout=self.limits.silence)
            return cast("http.client.HTTPResponse", answer)
        except urllib.error.HTTPError as error:
            error.close()
            if there and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                self._forget()
                return self._open(deadline)
            raise DownloadError(
                f"{self.url} was refused by its server",
                expected="the file",
                got=f"{error.code} {error.reason}"[:300],
                cure="try later; if the file is gone, ask its publisher where it is now",
            ) from None

    def _begin(self, response: http.client.HTTPResponse) -> Span:
        """What the answer brings: all, unless the server goes on with the very file that was begun."""
        self._check_kind(response)
        if response.status == http.client.PARTIAL_CONTENT:
            return self._checked(self._continued(response))
        if response.status != http.client.OK:
            raise ValueError(f"the answer {response.status}")
        if response.length is None and not (response.chunked or self.hash_known):  # the last chunk is marked as such
            raise self._useless("an answer without its length: a truncated file would go unnoticed")
        if response.length == 0:
            raise ValueError("0 bytes")
        total = response.length or 0
        span = self._checked(Span(0, total, total))
        self._forget()
        tag = _tag(response)
        if 0 < len(tag) < MAX_STATE_BYTES // 4:
            write_whole(self._state_file, State(url=self.url, tag=tag, total=total).model_dump_json())
        return span

    def _check_kind(self, response: http.client.HTTPResponse) -> None:
        """Check that the bytes that come are the file's own."""
        kind, coding = response.headers.get_content_type(), response.headers.get("Content-Encoding", "identity")
        if kind in ("text/html", "application/xhtml+xml"):
            raise self._useless(f"a web page ({kind}), such as one to log in")
        if coding.strip().lower() not in ("", "identity"):
            raise self._useless(f"another coding than was asked for: {coding}")

    def _continued(self, response: http.client.HTTPResponse) -> Span:
        """The part that was asked for, of the file that was begun."""
        there, state = self._there()
        found = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found is None or not there or int(found[1]) != there or int(found[2]) < there:
            raise ValueError("a part of the file that was not asked for")
        end = int(found[2]) + 1
        total = state.total if found[3] == "*" else int(found[3])
        tag = _tag(response)
        # With If-Range a date need not be sent again, an ETag has to be (RFC 9110, 15.3.7).
        same = tag == state.tag or (not tag and not state.tag.startswith('"'))
        if not same or total != (state.total or total):
            self._forget()
            raise ValueError("a part of another file than was begun")
        if response.length not in (None, end - there) or end > (total or end):
            raise ValueError("a part of another length than it announced")
        if not (total or self.hash_known):
            self._forget()
            raise self._useless("a part of a file of unknown length: nothing would show that it was cut off")
        return Span(there, end, total)

    def _checked(self, span: Span) -> Span:
        if max(span.end, span.total) > self.limits.bytes:
            raise self._too_large(f"{max(span.end, span.total):,} bytes")
        return span

    def _copy(self, response: http.client.HTTPResponse, file: BufferedIOBase, span: Span, deadline: Deadline) -> None:
        there = span.begin
        while chunk := response.read1(CHUNK):
            there += len(chunk)
            if there > self.limits.bytes:
                self._state_file.unlink(missing_ok=True)
                file.truncate(0)
                raise self._too_large("more, and no end")
            file.write(chunk)
            if self.progress is not None:
                self.progress(there, span.total)
            deadline.left()
        file.flush()
        os.fsync(file.fileno())
        if there > (span.end or there):
            self._forget()
            raise ValueError(f"{there - span.end:,} bytes more than announced")
        if there < max(span.end, span.total):
            raise ValueError(f"cut off after {there:,} of {max(span.end, span.total):,} bytes")
        if there == 0:
            raise ValueError("0 bytes")

    def _too_large(self, got: str) -> DownloadError:
        return DownloadError(
            f"{self.url} is too large",
            expected=f"at most {self.limits.bytes:,} bytes",
            got=got,
            cure="ask its publisher whether this is the right file",
        )

    def _useless(self, got: str) -> DownloadError:
        return DownloadError(
            f"{self.url} did not answer with the file",
            expected="the bytes of the file, and their number",
            got=got[:300],
            cure="download the file by other means, and give it to reseen models import",
        )

    def _failed(self, got: str) -> DownloadError:
        there, _ = self._there()
        again = f"the same command goes on after the {there:,} bytes that are there" if there else "try again"
        return DownloadError(
            f"{self.url} could not be fetched completely",
            expected="a complete answer",
            got=got[:300],
            cure=f"check the connection; {again}",
        )


def _tag(response: http.client.HTTPResponse) -> str:
    """What identifies the file, or nothing."""
    tag: str = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")  # a weak one is of like files
