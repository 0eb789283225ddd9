"""Which addresses files are fetched from: https, and http on this machine."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from reseen.catalogue.deadline import Deadline, TimedConnections
from reseen.errors import DownloadError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
MAX_REDIRECTS = 5


def check_address(url: str) -> None:
    """Check that nobody between could change what comes from an address.

    Raises:
        DownloadError: it is neither https nor http on this machine.
    """
    parts = urlsplit(url)
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and _is_local(url))):
        raise _unsafe(url, f"{parts.scheme or 'no scheme'} to {parts.hostname or 'nowhere'}")


def build_opener(proxies: Mapping[str, str], deadline: Deadline) -> urllib.request.OpenerDirector:
    """What opens addresses; it follows redirects to addresses that `check_address` takes.

    Args:
        proxies: addresses of proxies by scheme, as `urllib.request.getproxies` gives them.
        deadline: by when everything has to be here, what is redirected included.
    """
    return urllib.request.build_opener(
        urllib.request.ProxyHandler(dict(proxies)), _Redirects(), TimedConnections(deadline)
    )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows few redirects, and those to safe addresses alone."""

    max_redirections = MAX_REDIRECTS

    def redirect_request(  # noqa: PLR0917 - the signature is urllib's
        self,
        req: urllib.request.Request,
        fp: Any,
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        check_address(newurl)
        if _is_local(newurl) and not _is_local(req.full_url):
            raise _unsafe(req.full_url, "a redirect from elsewhere to this machine")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK


def _unsafe(url: str, got: str) -> DownloadError:
    return DownloadError(
        f"{url[:300]} is not fetched",
        expected="an https address, so that nobody can change the file on the way",
        got=got,
        cure="download the file by other means, and compare its SHA-256 with the published one",
    )
