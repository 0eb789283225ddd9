"""No image of a research dataset enters the project."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest


def digests(files: list[Path]) -> dict[str, Path]:
    return {hashlib.sha256(file.read_bytes()).hexdigest(): file for file in files}


@pytest.fixture(scope="module")
def images(market1501: Path) -> Mapping[str, Path]:
    """Every image of the dataset, by its digest."""
    found = digests(sorted(market1501.rglob("*.jpg")))
    assert len(found) > 30_000, "this is not the whole of Market-1501"
    return found


def copies(files: list[Path], images: Mapping[str, Path]) -> list[Path]:
    return [file for digest, file in digests(files).items() if digest in images]


def test_no_file_of_the_project_is_an_image_of_market1501(repository: Path, images: Mapping[str, Path]) -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout
    files = [repository / name for name in listed.split("\0") if (repository / name).is_file()]

    assert repository / "pyproject.toml" in files
    assert copies(files, images) == []


def test_an_image_under_another_name_is_found(market1501: Path, tmp_path: Path, images: Mapping[str, Path]) -> None:
    image = next((market1501 / "query").glob("*.jpg"))
    (tmp_path / "innocent.bin").write_bytes(image.read_bytes())
    (tmp_path / "own.txt").write_text("own")

    assert copies(list(tmp_path.iterdir()), images) == [tmp_path / "innocent.bin"]
