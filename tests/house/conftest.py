"""What the tests about the project itself share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

RunPython = Callable[[str], subprocess.CompletedProcess[str]]
Python = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def source_files(repository: Path) -> list[Path]:
    """Every Python file of the package."""
    return sorted((repository / "src" / "reseen").rglob("*.py"))


@pytest.fixture
def run_python(tmp_path: Path) -> RunPython:
    """Run a program in a fresh interpreter, where nothing is imported and no test hook is installed."""

    def run(program: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-c", program]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.fixture(scope="session")
def python_with(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[str]], Python]:
    """Run Python with some packages, what these require, and the source of the project; with nothing else."""

    def prepare(requirements: Sequence[str]) -> Python:
        folder = tmp_path_factory.mktemp("packages")
        link_packages(requirements, folder)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment["PYTHONPATH"] = f"{repository / 'src'}{os.pathsep}{folder}"

        def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-S", "-W", "error", *map(str, arguments)]
            return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)

        return run

    return prepare


def link_packages(requirements: Sequence[str], folder: Path) -> None:
    """Links in a folder to what pip would install."""
    waiting, done = list(requirements), set()
    while waiting:
        requirement = Requirement(waiting.pop())
        if requirement.name in done or not (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            continue
        done.add(requirement.name)
        distribution = metadata.distribution(requirement.name)
        waiting += distribution.requires or []
        for top in {Path(str(file)).parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(str(distribution.locate_file(top)))
