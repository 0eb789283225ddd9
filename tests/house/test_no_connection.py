"""P12: no outbound connection unless the user asked for one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

NO_NETWORK = """
import sys

def refuse(event, arguments):
    if event.startswith("socket."):
        print(event, arguments, file=sys.stderr)
        sys.stderr.flush()
        import os; os._exit(70)

sys.addaudithook(refuse)
"""
IMPORT_EVERYTHING = """
import importlib, pkgutil, reseen

for module in pkgutil.walk_packages(reseen.__path__, "reseen."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
RUN_HELP = """
import sys
from reseen.cli.app import main

sys.argv = ["reseen", "--help"]
main()
"""
RunPython = Callable[[str], subprocess.CompletedProcess[str]]


def test_p12_importing_every_module_opens_no_socket(run_python: RunPython) -> None:
    result = run_python(NO_NETWORK + IMPORT_EVERYTHING)
    assert result.returncode == 0, result.stderr


def test_p12_the_command_line_opens_no_socket(run_python: RunPython) -> None:
    result = run_python(NO_NETWORK + RUN_HELP)
    assert result.returncode == 0, result.stderr
    assert "Usage" in result.stdout


def test_a_socket_would_be_noticed(run_python: RunPython) -> None:
    result = run_python(NO_NETWORK + "import socket; socket.socket()")
    assert result.returncode == 70
    assert "socket.__new__" in result.stderr
