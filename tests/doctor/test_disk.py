from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reseen.doctor import disk
from reseen.doctor.disk import check_folder, free_bytes

NOBODY = 65534


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
    monkeypatch.setattr(disk, "free_bytes", lambda folder: free)

    found = check_folder("output", tmp_path, 2_000_000_000)

    assert (found.status, found.text) == (status, text.format(tmp_path))


def test_free_bytes_are_those_of_the_folders_disk(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)
