"""What is printed inside goes elsewhere, whoever prints it; what is printed before and after comes out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BEGIN = """
import ctypes, os, sys, threading
from pathlib import Path
from reseen.engines.silence import silent_stdout

def shout(text):
    print("Python", text)
    ctypes.CDLL(None).puts(f"C {text}".encode())
    os.write(1, f"system {text}\\n".encode())
"""


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BEGIN + program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_only_what_is_printed_inside_is_lost() -> None:
    result = run("shout('before')\nwith silent_stdout():\n    shout('inside')\nshout('after')")
    assert result.stderr == ""
    assert sorted(result.stdout.split("\n")) == sorted(
        ["", *(f"{who} {when}" for who in ("Python", "C", "system") for when in ("before", "after"))]
    )


def test_what_is_printed_inside_can_be_kept_in_a_file(tmp_path: Path) -> None:
    result = run("with silent_stdout(into=Path(sys.argv[1])):\n    shout('inside')", tmp_path / "told")
    assert (result.stdout, result.stderr) == ("", "")
    told = (tmp_path / "told").read_text().splitlines()
    assert sorted(told) == ["C inside", "Python inside", "system inside"]


def test_the_output_comes_back_after_an_error() -> None:
    result = run("try:\n    with silent_stdout():\n        1 / 0\nexcept ZeroDivisionError:\n    print('after')")
    assert result.stdout == "after\n"


def test_the_output_comes_back_when_threads_are_silent_at_once() -> None:
    program = """
def work():
    for _ in range(200):
        with silent_stdout():
            shout("inside")

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
shout("after")
"""
    assert sorted(run(program).stdout.split("\n")) == ["", "C after", "Python after", "system after"]


@pytest.mark.parametrize("gone", ["os.close(1)", "os.close(1); sys.stdout = None"])
def test_a_process_without_output_is_left_as_it_is(gone: str) -> None:
    result = run(f"{gone}\nwith silent_stdout():\n    print('working', file=sys.stderr)")
    assert (result.returncode, result.stderr) == (0, "working\n")
