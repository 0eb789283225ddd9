from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reseen.doctor import checks
from reseen.doctor.finding import Finding

Reseen = Callable[..., Any]
FULL = Finding("output", "problem", "no room", "free some space")


@pytest.fixture
def port() -> Iterator[int]:
    """A port that a program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(autouse=True)
def free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program on the service's ports is no failure of these tests."""
    monkeypatch.setattr(checks, "PORTS", ())


def test_a_machine_without_problems_ends_with_0(reseen: Reseen, tmp_path: Path) -> None:
    answer = reseen("doctor", "--output", tmp_path)

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith("\n0 problems\n")
    assert f"{tmp_path} can be written" in answer.out
    assert "cure:" not in answer.out


def test_every_problem_is_shown_with_its_cure_and_ends_with_1(
    reseen: Reseen, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "PORTS", (port,))
    (tmp_path / "torn.safetensors").write_bytes(b"torn")

    answer = reseen("doctor", "--output", tmp_path, "--weights", tmp_path / "torn", "--weights", tmp_path / "none")

    assert answer.code == 1
    assert answer.out.endswith("\n3 problems\n")
    lines = answer.out.splitlines()
    problems = [number for number, line in enumerate(lines) if line.startswith("problem ")]
    assert len(problems) == 3
    assert all(lines[number + 1].strip().startswith("cure: ") for number in problems)
    assert f"port {port}" in answer.out


def test_machines_get_one_object(reseen: Reseen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "examine", lambda output, temporary, weights: [Finding("a", "ok", "b"), FULL])

    answer = reseen("doctor", "--json")

    assert (answer.code, answer.out.count("\n")) == (1, 1)
    assert json.loads(answer.out) == {
        "problems": 1,
        "findings": [
            {"name": "a", "status": "ok", "text": "b", "cure": None},
            {"name": "output", "status": "problem", "text": "no room", "cure": "free some space"},
        ],
    }


def test_text_in_brackets_is_shown_as_it_is(reseen: Reseen, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = Finding("torch", "problem", "missing", "pip install '.[train]' in a clone of reseen")
    monkeypatch.setattr(checks, "examine", lambda output, temporary, weights: [finding])

    assert "  cure: pip install '.[train]' in a clone of reseen\n1 problem\n" in reseen("doctor").out


def test_what_is_long_is_folded_to_the_terminal_and_names_cannot_command_it(
    reseen: Reseen, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = [Finding("a", "ok", "many words " * 20), Finding("weights", "problem", "no \x1b[31m", "look " * 20)]
    monkeypatch.setattr(checks, "examine", lambda output, temporary, weights: findings)
    assert "\x1b" not in reseen("doctor").out
    assert "no \\x1b[31m" in reseen("doctor").out

    monkeypatch.setattr("reseen.cli.console.shutil.get_terminal_size", lambda: os.terminal_size((40, 24)))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", reseen("doctor").out).splitlines()

    assert max(map(len, lines)) <= 40
    assert lines[1].startswith(" " * 18 + "many ")
    assert sum("look" in line for line in lines) > 3


def test_it_works_without_torch(reseen_process: Reseen, tmp_path: Path) -> None:
    answer = reseen_process("doctor", "--output", tmp_path, "--json", prepare="import sys; sys.modules['torch'] = None")

    assert answer.code == 1, answer.err
    findings = {each["name"]: each for each in json.loads(answer.out)["findings"]}
    assert findings["torch"]["cure"] == "pip install '.[train]' in a clone of reseen"
    assert findings["output"]["status"] == "ok"


def test_p12_it_connects_to_nothing(reseen_process: Reseen, tmp_path: Path) -> None:
    watch = (
        "import sys; sys.addaudithook(lambda event, given: event in ('socket.connect', 'socket.getaddrinfo') and 1 / 0)"
    )

    answer = reseen_process("doctor", "--output", tmp_path, "--json", prepare=watch)

    assert json.loads(answer.out)["findings"]
    assert answer.err == ""
