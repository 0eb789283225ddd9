"""Stopping a run politely: the first Ctrl-C (or SIGTERM) asks, the second one insists."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Handler = Callable[[int, FrameType | None], object] | int | None


class Interruption:
    """While entered, notes the first stop signal in `requested`; a second one acts as if this were not there.

    Signals can be caught in the main thread alone; elsewhere nothing is caught.
    """

    def __init__(self) -> None:
        self.requested = False
        self._at_once = False
        self._before: dict[signal.Signals, Handler] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in STOP_SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """While entered, the first signal raises KeyboardInterrupt: for work that is lost without harm."""
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._restore()
        if self._at_once:
            raise KeyboardInterrupt

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not set from Python
        self._before.clear()
