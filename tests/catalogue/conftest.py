"""A server on this machine that can be made to fail in the ways that servers do."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Behaviour:
    """What a server answers with.

    Attributes:
        content: the file.
        etag: its header; none where empty.
        modified: the date of its last change; none where empty.
        ranges: whether parts of the file can be asked for.
        shift: how far off the parts that are sent begin.
        most: bytes that it sends of a part; None sends all of it.
        careless: whether it sends parts of its file whatever file they are asked of.
        told_total: how a part's header ends: `TOTAL` or an asterisk; None tells the truth.
        more: headers that it sends besides.
        slow_headers: seconds between headers that never end.
        cut_after: bytes of a body after which the connection ends; None sends it whole.
        length: whether it says how long the file is.
        endless: whether the body has no end.
        status: refuses with this status unless it is 200.
        redirect: where it sends on to; none where empty.
        wait: seconds before the body.
        asked: headers of the requests that came.
    """

    content: bytes = b""
    etag: str = '"1"'
    modified: str = ""
    ranges: bool = True
    shift: int = 0
    most: int | None = None
    careless: bool = False
    told_total: str | None = None
    more: dict[str, str] = field(default_factory=dict)
    slow_headers: float = 0.0
    cut_after: int | None = None
    length: bool = True
    endless: bool = False
    status: int = 200
    redirect: str = ""
    wait: threading.Event | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/models/weights-00000000.bin"

    def still_this(self, condition: str) -> bool:
        return self.careless or (condition in (self.etag, self.modified) and condition != "")


class Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour

    def do_GET(self) -> None:
        behaviour = self.behaviour
        behaviour.asked.append(dict(self.headers))
        if behaviour.redirect and self.path != "/end":
            self.send_response(302)
            self.send_header("Location", behaviour.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif behaviour.status != 200:
            self.send_error(behaviour.status)
        elif behaviour.slow_headers:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b"X: y\r\n")
                    time.sleep(behaviour.slow_headers)
        else:
            self.send_file()

    def send_file(self) -> None:
        behaviour = self.behaviour
        start, wanted = 0, self.headers.get("Range", "")
        if wanted and behaviour.ranges and behaviour.still_this(self.headers.get("If-Range", "")):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(behaviour.content):
                self.send_error(416)
                return
            start += behaviour.shift
        body = behaviour.content[start:]
        if start and behaviour.most is not None:
            body = body[: behaviour.most]
        self.send_response(206 if start else 200)
        if start:
            total = behaviour.told_total or len(behaviour.content)
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{total}")
        for name, value in behaviour.more.items():
            self.send_header(name, value)
        if behaviour.etag:
            self.send_header("ETag", behaviour.etag)
        if behaviour.modified:
            self.send_header("Last-Modified", behaviour.modified)
        if behaviour.length and not behaviour.endless:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if behaviour.wait is not None:
            behaviour.wait.wait(20)
        self.wfile.write(body if behaviour.cut_after is None else body[: behaviour.cut_after])
        while behaviour.endless:
            self.wfile.write(bytes(10**5))

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away while it is sent to is what some tests are about."""


@pytest.fixture
def server() -> Iterator[Behaviour]:
    behaviour = Behaviour(content=bytes(range(256)) * 1000)
    handler = type("Handler", (Handler,), {"behaviour": behaviour})
    with QuietServer(("127.0.0.1", 0), handler) as running:
        behaviour.port = running.server_port
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield behaviour
        running.shutdown()
        thread.join()
