"""What docs/extend.md shows works: its files and changes are made to a copy of the source, and its code runs there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image


class Block(NamedTuple):
    """A block of code: its language, the file that it is or changes, and what stands in it."""

    language: str
    file: str
    code: str


def blocks(page: str) -> list[Block]:
    found = re.findall(r'^```(\w+)(?: title="([^"]*)")?\n(.*?)^```', page, re.DOTALL | re.MULTILINE)
    return [Block(*each) for each in found]


def change(text: str, difference: str) -> str:
    """The text after a change whose parts are divided by `@@`; what it keeps or removes must be there exactly once."""
    for part in re.split(r"^@@\n", difference, flags=re.MULTILINE):
        lines = part.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if not line.startswith("+"))
        after = "".join(line[1:] for line in lines if not line.startswith("-"))
        assert text.count(before) == 1, f"{text.count(before)} times in the file:\n{before}"
        text = text.replace(before, after)
    return text


@pytest.fixture(scope="module")
def page(repository: Path) -> list[Block]:
    return blocks((repository / "docs" / "extend.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def fork(repository: Path, page: list[Block], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source with the page's files and changes."""
    folder = tmp_path_factory.mktemp("fork")
    shutil.copytree(repository / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for language, file, code in page:
        if file and language == "diff":
            (folder / file).write_text(change((folder / file).read_text(encoding="utf-8"), code), encoding="utf-8")
        elif file:
            assert not (folder / file).exists()
            (folder / file).write_text(code, encoding="utf-8")
    return folder


def test_the_code_of_the_page_runs(fork: Path, page: list[Block]) -> None:
    crops = fork / "crops"
    crops.mkdir()
    for name in ("anna@hall.1.jpg", "anna@door.1.jpg", "ben@hall.1.jpg", "nobody.jpg"):
        Image.fromarray(np.zeros((20, 10, 3), np.uint8)).save(crops / name)
    program = "".join(code for language, file, code in page if language == "python" and not file)

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=fork,
        env=os.environ | {"PYTHONPATH": str(fork / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    people, embedder, losses, compact, network = done.stdout.splitlines()
    assert people == "<Manifest crops: 3 images of 2 people> ['door', 'hall']"
    assert embedder.startswith("<Embedder default")
    assert embedder.endswith("(1, 160)")
    assert losses == "['cross_entropy', 'compact']"
    assert float(compact) == pytest.approx(2 / 3)
    assert network == "torch.Size([2, 5])"


def test_files_and_changes_are_told_from_code_that_runs() -> None:
    page = 'a\n```python\nrun()\n```\n```diff title="src/a.py"\n+b\n c\n```\n'

    assert blocks(page) == [Block("python", "", "run()\n"), Block("diff", "src/a.py", "+b\n c\n")]


def test_a_change_adds_and_removes_what_it_says() -> None:
    assert change("a\nb\nc\n", " a\n+x\n@@\n-c\n+y\n") == "a\nx\nb\ny\n"
    with pytest.raises(AssertionError, match="0 times"):
        change("a\n", " b\n+c\n")
