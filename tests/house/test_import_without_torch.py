"""The core install works without the `train` extra."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys

for extra in ("torch", "safetensors", "pyarrow", "sklearn"):
    sys.modules[extra] = None  # makes importing it fail

import reseen

for room in {rooms!r}:
    package = importlib.import_module(f"reseen.{{room}}")
    for module in pkgutil.walk_packages(getattr(package, "__path__", ()), package.__name__ + "."):
        importlib.import_module(module.name)
"""
CORE = ("errors", "images", "bundle", "recipe", "datasets", "evaluation", "engines", "cli", "verbs")


@pytest.mark.parametrize("room", CORE)
def test_room_imports_without_the_train_extra(
    room: str, run_python: Callable[[str], subprocess.CompletedProcess[str]]
) -> None:
    result = run_python(IMPORT_EVERYTHING.format(rooms=[room]))
    assert result.returncode == 0, result.stderr


def test_a_room_that_needs_torch_is_found_out(run_python: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    result = run_python(IMPORT_EVERYTHING.format(rooms=["models"]))
    assert "ModuleNotFoundError: import of torch halted" in result.stderr
