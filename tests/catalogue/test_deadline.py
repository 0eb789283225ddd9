from __future__ import annotations

import ssl
import urllib.request
from typing import Any

import pytest

from reseen.catalogue.deadline import Deadline, TimedConnections


def test_what_is_left_of_a_time_becomes_less_and_then_nothing() -> None:
    deadline = Deadline.in_seconds(60.0)
    before = deadline.left()
    assert 0 < deadline.left() <= before <= 60
    with pytest.raises(TimeoutError, match="not done after 0 seconds"):
        Deadline.in_seconds(0.0).left()


def opened(url: str, seconds: float, timeout: float = 5.0) -> bytes:
    opener = urllib.request.build_opener(TimedConnections(Deadline.in_seconds(seconds)))
    with opener.open(url, timeout=timeout) as answer:
        content: bytes = answer.read()
        return content


def test_an_answer_in_time_is_what_it_was(server: Any) -> None:
    assert opened(server.url, 60.0) == server.content


def test_a_server_that_says_a_little_again_and_again_is_left_in_time(server: Any) -> None:
    server.slow_headers = 0.05  # for ever: nothing but the deadline ends it

    with pytest.raises(TimeoutError, match="not done after"):
        opened(server.url, 0.4)


def test_no_connection_is_begun_after_it(server: Any) -> None:
    with pytest.raises(TimeoutError, match="not done after"):
        opened(server.url, 0.0)
    assert server.asked == []


def test_https_asks_for_a_certificate(server: Any) -> None:
    with pytest.raises(OSError, match=r"SSL|ssl") as error:
        opened(server.url.replace("http:", "https:"), 5.0)
    assert isinstance(getattr(error.value, "reason", None), ssl.SSLError)
