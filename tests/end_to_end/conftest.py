"""Commands of the documents, run by a shell as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Blocks = Callable[[str], list[tuple[str, str]]]
Shell = Callable[[str, Path], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def blocks(repository: Path) -> Blocks:
    """The code blocks of a page in their order: language (often none) and text."""

    def read(page: str) -> list[tuple[str, str]]:
        text = (repository / "docs" / page).read_text(encoding="utf-8")
        return re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)

    return read


@pytest.fixture(scope="session")
def shell() -> Shell:
    """Run a command line in a folder, with this environment's programs first."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=540,
        )

    return run
