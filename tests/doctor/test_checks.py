from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from reseen.doctor import checks
from reseen.doctor.checks import check_folder, check_memory, check_port, examine, free_memory, free_on_disk

NOBODY = 65534
GB = 10**9


def test_everything_is_looked_at_once(tmp_path: Path) -> None:
    found = [each.name for each in examine(tmp_path, tmp_path, [tmp_path / "one", tmp_path / "two"])]

    for name in ("python", "torch", "cores", "accelerators", "convolution on cpu", "recipes", "output", "memory"):
        assert found.count(name) == 1
    assert found.count("weights") == 2
    assert found[-2:] == ["port 8000", "port 8001"]


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    examine(tmp_path / "runs", tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("library", "module", "cure"),
    [
        ("torch", "torch", "pip install '.[train]' in a clone of reseen"),
        ("safetensors", "safetensors", "pip install '.[train]' in a clone of reseen"),
        ("pydantic", "pydantic", "pip install 'pydantic>=2.10'"),
        ("pyyaml", "yaml", "pip install 'pyyaml>=6'"),
    ],
)
def test_without_what_computes_the_rest_is_still_looked_at(
    library: str, module: str, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # makes importing it fail

    found = {each.name: each for each in examine(tmp_path, tmp_path)}

    assert (found[library].status, found[library].cure) == ("problem", cure)
    assert f"they need {library}" in found["devices and weights"].text
    assert "cores" not in found
    assert {"output", "memory", "port 8000"} <= found.keys()


def test_without_torch_a_small_machine_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reseen.doctor.checks.trains", lambda: False)
    monkeypatch.setattr("reseen.doctor.checks.free_memory", lambda: 10**9)
    monkeypatch.setattr("reseen.doctor.checks.free_on_disk", lambda folder: 10**9)

    found = {each.name: each.status for each in examine(tmp_path, tmp_path)}
    assert (found["memory"], found["output"]) == ("ok", "ok")

    monkeypatch.setattr("reseen.doctor.checks.trains", lambda: True)
    found = {each.name: each.status for each in examine(tmp_path, tmp_path)}
    assert (found["memory"], found["output"]) == ("problem", "problem")


def test_an_optional_library_of_another_version_does_not_hide_the_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.1" if name == "tensorboard" else installed(name))

    found = {each.name: each.status for each in examine(tmp_path, tmp_path)}

    assert (found["tensorboard"], found["cores"]) == ("problem", "ok")


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder that this process may not write to, even where it began as root."""
    folder = Path(tempfile.mkdtemp(prefix="reseen-read-only-"))
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    yield folder
    os.seteuid(user)
    folder.rmdir()


def test_a_folder_that_can_be_written_is_well_and_left_as_it_was(tmp_path: Path) -> None:
    found = check_folder("output", tmp_path, 1)

    assert (found.name, found.status) == ("output", "ok")
    assert found.text.startswith(f"{tmp_path} can be written, ")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_it_would_be_made_in(tmp_path: Path) -> None:
    assert check_folder("output", tmp_path / "runs" / "first", 1).status == "ok"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "runs/first"])
def test_a_read_only_folder_is_a_problem(read_only: Path, below: str) -> None:
    found = check_folder("output", read_only / below, 1)

    assert found.status == "problem"
    assert found.text == f"{read_only / below} cannot be written: Permission denied"
    assert "another folder" in str(found.cure)


def test_a_file_in_the_place_of_a_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("no folder", encoding="utf-8")

    found = check_folder("output", tmp_path / "runs" / "first", 1)

    assert (found.status, found.text) == ("problem", f"{tmp_path / 'runs/first'}: {tmp_path / 'runs'} is a file")


@pytest.mark.parametrize(
    ("free", "status", "text"),
    [
        (2_000_000_000, "ok", "{} can be written, 2.0 GB free"),
        (1_900_000_000, "problem", "too little room for {}: 1.9 GB free, and 2.0 GB are needed"),
    ],
)
def test_a_full_disk_is_a_problem(
    free: int, status: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "free_on_disk", lambda folder: free)

    found = check_folder("output", tmp_path, 2_000_000_000)

    assert (found.status, found.text) == (status, text.format(tmp_path))


def test_free_on_disk_are_those_of_the_folders_disk(tmp_path: Path) -> None:
    assert free_on_disk(tmp_path) == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 16 GB of available memory, as its files tell, and no container."""
    (tmp_path / "meminfo").write_text(f"MemTotal: 32000000 kB\nMemAvailable: {16 * GB // 1024} kB\n", encoding="ascii")
    monkeypatch.setattr(checks, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(checks, "CGROUP", tmp_path / "cgroup")
    return tmp_path


def limit_container(machine: Path, limit: str, used: int) -> None:
    (machine / "cgroup").mkdir()
    (machine / "cgroup" / "memory.max").write_text(f"{limit}\n", encoding="ascii")
    (machine / "cgroup" / "memory.current").write_text(f"{used}\n", encoding="ascii")


def test_free_memory_is_what_the_system_calls_available(machine: Path) -> None:
    assert free_memory() == 16 * GB
    assert check_memory(training=True).status == "ok"


@pytest.mark.parametrize(
    ("limit", "used", "free"), [(str(8 * GB), 5 * GB, 3 * GB), ("max", 5 * GB, 16 * GB), (str(64 * GB), GB, 16 * GB)]
)
def test_a_containers_limit_counts(limit: str, used: int, free: int, machine: Path) -> None:
    limit_container(machine, limit, used)

    assert free_memory() == free


def test_where_the_system_does_not_tell_it_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sysconf")
    found = check_memory(training=True)
    assert (found.status, found.text) == ("note", "the amount of memory is not known on this system")


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


@pytest.mark.parametrize("address", ["127.0.0.1", ""])  # the second is every address
def test_a_port_is_taken_while_a_program_listens_there_and_free_after(address: str) -> None:
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        taken = check_port(port)
    free = check_port(port)

    assert (taken.name, taken.status, taken.text) == (f"port {port}", "problem", "taken by another program")
    assert "another port" in str(taken.cure)
    assert (free.status, free.text) == ("ok", "free")


def test_a_port_that_cannot_be_bound_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: tuple[str, int]) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)

    found = check_port(80)

    assert (found.status, found.text) == ("problem", "cannot be used: Permission denied")
