"""The vendor's reporter cannot be imported inside, and is as it was after; and the lock that proves it holds."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import pytest

from reseen.engines.telemetry import REPORTER, reporter_missing

RunLocked = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_reporter_cannot_be_imported_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    package, part = ModuleType(REPORTER), ModuleType(f"{REPORTER}.main")
    monkeypatch.setitem(sys.modules, REPORTER, package)
    monkeypatch.setitem(sys.modules, f"{REPORTER}.main", part)

    with reporter_missing():
        for name in (REPORTER, f"{REPORTER}.main"):
            with pytest.raises(ImportError):
                import_module(name)

    assert import_module(REPORTER) is package
    assert import_module(f"{REPORTER}.main") is part


def test_what_was_not_imported_before_can_be_imported_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "modules", {name: each for name, each in sys.modules.items() if REPORTER not in name})
    with pytest.raises(ZeroDivisionError), reporter_missing():
        raise ZeroDivisionError
    assert REPORTER not in sys.modules


@pytest.mark.parametrize(
    "program",
    [
        "import socket; socket.socket()",
        "import ctypes; ctypes.CDLL(None).socket(2, 1, 0)",
        "import os; os.fork()",
        "import os; os.system('true')",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.execv('/bin/true', ['true'])",
    ],
)
def test_a_locked_program_can_open_no_socket_and_start_no_process(run_locked: RunLocked, program: str) -> None:
    assert run_locked(program + "; print('went on')").returncode == -signal.SIGSYS


def test_a_locked_program_can_do_everything_else(run_locked: RunLocked) -> None:
    program = "import sys, threading; t = threading.Thread(target=print, args=sys.argv[1:]); t.start(); t.join()"
    assert run_locked(program, "a thread").stdout == "a thread\n"
