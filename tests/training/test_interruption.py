from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from reseen.training.interruption import Interruption


class OwnHandlerCalled(Exception):
    """What the handler that was there before raises."""


def own_handler(number: int, frame: object) -> None:
    raise OwnHandlerCalled(signal.Signals(number).name)


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    before = {number: signal.signal(number, own_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_acts(number: signal.Signals) -> None:
    with Interruption() as interruption:
        assert not interruption.requested
        os.kill(os.getpid(), number)
        assert interruption.requested
        with pytest.raises(OwnHandlerCalled, match=number.name):
            os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_may_be_lost_ends_at_once(number: signal.Signals) -> None:
    with Interruption() as interruption:
        with pytest.raises(KeyboardInterrupt), interruption.at_once():
            os.kill(os.getpid(), number)
        assert interruption.requested
    with Interruption() as interruption:
        with interruption.at_once():
            pass
        os.kill(os.getpid(), number)
        assert interruption.requested


def test_either_signal_may_come_second() -> None:
    with Interruption():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(OwnHandlerCalled, match="SIGTERM"):
            os.kill(os.getpid(), signal.SIGTERM)


def test_handlers_are_put_back_on_leaving() -> None:
    with Interruption():
        assert signal.getsignal(signal.SIGINT) is not own_handler
    assert signal.getsignal(signal.SIGINT) is own_handler
    assert signal.getsignal(signal.SIGTERM) is own_handler
    with pytest.raises(ZeroDivisionError), Interruption():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is own_handler


def test_an_ignored_signal_is_ignored_again_afterwards() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.requested
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_outside_the_main_thread_nothing_is_caught() -> None:
    found: list[object] = []

    def elsewhere() -> None:
        with Interruption() as interruption:
            found.append(signal.getsignal(signal.SIGINT))
            found.append(interruption.requested)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [own_handler, False]
