from __future__ import annotations

import os
from pathlib import Path

import pytest

from reseen.doctor import memory
from reseen.doctor.memory import check_memory, free_bytes

GB = 10**9


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 16 GB of available memory, as its files tell, and no container."""
    (tmp_path / "meminfo").write_text(f"MemTotal: 32000000 kB\nMemAvailable: {16 * GB // 1024} kB\n", encoding="ascii")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path / "cgroup")
    return tmp_path


def limit_container(machine: Path, limit: str, used: int) -> None:
    (machine / "cgroup").mkdir()
    (machine / "cgroup" / "memory.max").write_text(f"{limit}\n", encoding="ascii")
    (machine / "cgroup" / "memory.current").write_text(f"{used}\n", encoding="ascii")


def test_free_memory_is_what_the_system_calls_available(machine: Path) -> None:
    assert free_bytes() == 16 * GB
    assert check_memory(training=True).status == "ok"


@pytest.mark.parametrize(
    ("limit", "used", "free"), [(str(8 * GB), 5 * GB, 3 * GB), ("max", 5 * GB, 16 * GB), (str(64 * GB), GB, 16 * GB)]
)
def test_a_containers_limit_counts(limit: str, used: int, free: int, machine: Path) -> None:
    limit_container(machine, limit, used)

    assert free_bytes() == free


def test_where_the_system_does_not_tell_it_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sysconf")
    found = check_memory(training=True)
    assert (found.status, found.text) == ("note", "how much there is cannot be told here")


def test_too_little_memory_is_a_problem(machine: Path) -> None:
    limit_container(machine, str(4 * GB), 3 * GB)

    found = check_memory(training=True)

    assert found.status == "problem"
    assert "1.0 GB free" in found.text
    assert "2.0 GB are needed to train" in found.text
    assert "container" in str(found.cure)
    assert check_memory(training=False).status == "ok"


def test_little_is_enough_to_embed(machine: Path) -> None:
    limit_container(machine, str(4 * GB), 4 * GB - GB // 4)

    found = check_memory(training=False)

    assert found.status == "problem"
    assert "0.5 GB are needed to embed" in found.text
    assert "train" not in f"{found.text} {found.cure}"


@pytest.mark.parametrize("content", [None, "MemTotal: 32000000 kB\n"])
def test_a_system_that_does_not_tell_is_noted(content: str | None, machine: Path) -> None:
    (machine / "meminfo").unlink()
    if content is not None:
        (machine / "meminfo").write_text(content, encoding="ascii")

    assert check_memory(training=True).status == "note"
