"""A time by which an answer is here, headers and all: a server that sends a byte now and then never falls silent."""

from __future__ import annotations

import http.client
import io
import socket
import time
import urllib.request
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Deadline:
    """When something has to be done.

    Attributes:
        seconds: how long it may take.
        at: when that is over, on the clock of `time.monotonic`.
    """

    seconds: float
    at: float

    @classmethod
    def in_seconds(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(seconds, time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds that are left.

        Raises:
            TimeoutError: none.
        """
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"not done after {self.seconds:,.0f} seconds")
        return left


class TimedConnections(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """Opens http and https addresses; whatever is read from there is here by the deadline, or an error is raised."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request."""
        return self.do_open(self._timed(http.client.HTTPConnection), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request; certificates are checked as the system does."""
        return self.do_open(self._timed(http.client.HTTPSConnection), req)

    def _timed(self, kind: type[http.client.HTTPConnection]) -> Any:
        def connect(host: str, **options: Any) -> http.client.HTTPConnection:
            options["timeout"] = min(options["timeout"], self._deadline.left())
            connection = kind(host, **options)
            connection.response_class = answer  # type: ignore[assignment]
            return connection

        def answer(sock: socket.socket, *given: Any, **options: Any) -> http.client.HTTPResponse:
            response = http.client.HTTPResponse(sock, *given, **options)
            response.fp.close()
            response.fp = io.BufferedReader(_TimedReader(sock, self._deadline))
            return response

        return connect


class _TimedReader(io.RawIOBase):
    """Reads a socket until a deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._socket = sock
        self._silence = sock.gettimeout() or deadline.seconds
        self._deadline = deadline
        self._bytes = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(min(self._silence, self._deadline.left()))
        try:
            return self._bytes.readinto(buffer)
        except TimeoutError:
            self._deadline.left()
            raise

    def close(self) -> None:
        self._bytes.close()
        super().close()
