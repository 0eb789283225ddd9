from __future__ import annotations

from http.client import HTTPMessage
from io import BytesIO
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request

import pytest

from reseen.catalogue.address import build_opener, check_address
from reseen.catalogue.deadline import Deadline
from reseen.errors import DownloadError


def refused(url: str) -> bool:
    try:
        check_address(url)
    except DownloadError as error:
        return "is not fetched" in error.what
    return False


@pytest.mark.parametrize(
    "url", ["https://example.org/a", "http://127.0.0.1:1/a", "http://localhost/a", "http://[::1]/a"]
)
def test_https_and_this_machine_are_safe(url: str) -> None:
    assert not refused(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "data:,a",
        "https:///a",
        "a",
        "",
        "http://127.0.0.1.example.org/a",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    assert refused(url)


def opened(server: Any, redirect: str) -> bytes:
    server.redirect = redirect
    with build_opener({}, Deadline.in_seconds(60.0)).open(server.url, timeout=5) as answer:
        content: bytes = answer.read()
        return content


def test_a_redirect_to_a_safe_address_is_followed(server: Any) -> None:
    assert opened(server, "/end") == server.content


@pytest.mark.parametrize("redirect", ["http://example.org/a", "file:///etc/passwd", "ftp://example.org/a"])
def test_a_redirect_to_elsewhere_is_not_followed(redirect: str, server: Any) -> None:
    with pytest.raises((DownloadError, HTTPError)):  # urllib refuses files itself
        opened(server, redirect)
    assert len(server.asked) == 1


def test_nobody_elsewhere_sends_on_to_this_machine() -> None:
    (redirects,) = (
        handler
        for handler in vars(build_opener({}, Deadline.in_seconds(60.0)))["handlers"]
        if isinstance(handler, HTTPRedirectHandler)
    )

    def follow(url: str, to: str) -> Request | None:
        request = Request(url)  # noqa: S310 - nothing is opened
        return redirects.redirect_request(request, BytesIO(), 302, "Found", HTTPMessage(), to)

    with pytest.raises(DownloadError, match="is not fetched") as error:
        follow("https://example.org/a", "http://127.0.0.1:8000/b")
    assert error.value.got == "a redirect from elsewhere to this machine"
    assert follow("https://example.org/a", "https://example.net/b") is not None
    assert follow("http://localhost/a", "http://127.0.0.1:8000/b") is not None


def test_redirects_have_an_end(server: Any) -> None:
    with pytest.raises(OSError, match="302"):
        opened(server, "/again")
    assert len(server.asked) <= 7
