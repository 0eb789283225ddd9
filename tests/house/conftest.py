"""What the tests about the project itself share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RunPython = Callable[[str], subprocess.CompletedProcess[str]]


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
