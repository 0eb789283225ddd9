"""The commands of README.md, one after the other; README.zh-CN.md has the same ones (tests/house/test_readmes.py)."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

SHORT = "-o training.epochs=1 -o sampler.persons=4 -o preprocess.height=64 -o preprocess.width=32"
"""Added to the training command: Market-1501 is drawn here, with less of everything."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the reader works: with Market-1501, a folder of crops, and three images."""
    plan = Plan(persons=220, test_persons=4, cameras=2, images_per_camera=2, height=64, width=32)
    drawn = synthesise(tmp_path / "Market-1501-v15.09.15", plan)
    images = [sample.path for sample in drawn.split("gallery")]
    (tmp_path / "crops").mkdir()
    for path in images[:8]:
        shutil.copy(path, tmp_path / "crops")
    for name, path in zip(("A.jpg", "B.jpg", "QUERY.jpg"), images, strict=False):
        shutil.copy(path, tmp_path / name)
    return tmp_path


def test_the_commands_work_to_the_letter(
    folder: Path, repository: Path, shell: Callable[[str, Path], subprocess.CompletedProcess[str]]
) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    commands = [line for block in blocks for line in block.splitlines() if line.startswith("reseen ")]
    assert len(commands) > 10

    for command in commands:
        run = f"{command.partition(' #')[0]} {SHORT}" if command.startswith("reseen train ") else command
        done = shell(run, folder)
        assert done.returncode == 0, f"{run}\n{done.stdout}{done.stderr}"

    made = ("bundle/calibration.json", "both.png", "found.html", "features.npz", "evaluation/report.html")
    assert [name for name in made if not (folder / name).is_file()] == []
