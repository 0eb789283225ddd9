"""The rooms without torch are tested where there is none: in the core install and what tests themselves need."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import reseen
from reseen.bundle.bundle import open_bundle

PythonWith = Callable[[Sequence[str]], Callable[..., subprocess.CompletedProcess[str]]]

TESTERS = ("beartype", "hypothesis", "packaging", "pytest", "scikit-learn")
RUN = ("scores", "images", "bundle", "engines", "retrieval")
COLLECTED = ("calibration", "catalogue", "datasets", "evaluation", "recipe", "reports")
"""These are read and not run, for the time that it takes."""
PROGRAM = """
import os, sys, pytest
os.environ.pop("CI", None)  # what of the extras is missing is listed
os.environ["RESEEN_MARKET1501"] = "not here"
sys.exit(pytest.main(sys.argv[1:]))
"""


def test_they_pass_in_the_core_install(repository: Path, python_with: PythonWith, tmp_path: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    python = python_with([*project["dependencies"], *TESTERS])
    options = ["-q", "-p", "no:cacheprovider", "--hypothesis-profile=brief", f"--basetemp={tmp_path}"]
    rooms = [repository / "tests" / room for room in (*RUN, *COLLECTED)]
    left_out = [f"--deselect=tests/{room}" for room in COLLECTED]

    done = python(
        "-c", PROGRAM, f"--rootdir={repository}", "-c", repository / "pyproject.toml", *options, *left_out, *rooms
    )

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 300
    assert "libraries of extras: make, or pip install" in done.stdout


def test_the_bundle_that_they_use_is_the_one_that_is_exported(repository: Path, small_bundle: Path) -> None:
    """Where it is not, copy the folder of the fixture `small_bundle` over `tests/small_bundle`."""
    kept = repository / "tests" / "small_bundle"
    pictures = list(np.random.default_rng(0).integers(0, 256, (4, 64, 32, 3), dtype=np.uint8))

    one, other = (open_bundle(folder).description.model_dump(exclude={"files"}) for folder in (kept, small_bundle))
    assert one.keys() == other.keys()
    with reseen.load(kept, threads=1) as before, reseen.load(small_bundle, threads=1) as now:
        np.testing.assert_allclose(before.embed(pictures), now.embed(pictures), atol=1e-5)
