"""A bundle is used in an environment that holds the core dependencies and nothing else: no torch, no extra."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Python = Callable[..., subprocess.CompletedProcess[str]]
PythonWith = Callable[[Sequence[str]], Python]

HEAVY = ("torch", "scipy", "pandas", "pyarrow", "jinja2", "onnx", "openvino", "MNN", "matplotlib")


@pytest.fixture(scope="session")
def core_python(repository: Path, python_with: PythonWith) -> Python:
    """Run Python with the core packages alone."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return python_with(project["dependencies"])


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    folder = tmp_path / "crops"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for name in "abc":
        Image.fromarray(draw.integers(0, 256, (20, 10, 3), dtype=np.uint8)).save(folder / f"{name}.png")
    return folder


def test_no_extra_can_be_imported_there(core_python: Python) -> None:
    extras = ("torch", "safetensors", "pyarrow", "onnx", "openvino", "MNN", "nncf", "beartype", "pytest")
    program = "import importlib.util as u, sys; print([name for name in sys.argv[1:] if u.find_spec(name)])"

    done = core_python("-c", program, "numpy", *extras)

    assert done.stdout.strip() == "['numpy']", done.stderr


def test_embedding_comparing_and_searching_work(
    core_python: Python, small_bundle: Path, crops: Path, tmp_path: Path
) -> None:
    features, page, picture = tmp_path / "f.npz", tmp_path / "found.html", tmp_path / "both.png"
    commands = {
        "embed": ("embed", crops, "--output", features),
        "compare": ("compare", crops / "a.png", crops / "b.png", "--output", picture, "--json"),
        "search": ("search", crops / "a.png", "--in", crops, "--output", page, "--json"),
        "bench": ("bench", "--engine", "onnxruntime", "--batch-size", "1", "--seconds", "0", "--json"),
    }

    done = {name: core_python("-m", "reseen", *command, "--bundle", small_bundle) for name, command in commands.items()}

    assert {name: each.stderr for name, each in done.items() if each.returncode} == {}
    with np.load(features, allow_pickle=False) as arrays:
        score = float(arrays["features"][0] @ arrays["features"][1])
    assert json.loads(done["compare"].stdout)["score"] == pytest.approx(score, abs=1e-5)
    (query,) = json.loads(done["search"].stdout)["queries"]
    assert {match["name"]: match["score"] for match in query["matches"]}[str(crops / "b.png")] == pytest.approx(
        score, abs=1e-5
    )
    assert page.is_file()
    assert picture.is_file()
    assert len(json.loads(done["bench"].stdout)["cases"]) == 2


def test_the_model_that_comes_along_gives_verdicts(core_python: Python, crops: Path) -> None:
    done = core_python("-m", "reseen", "compare", crops / "a.png", crops / "a.png")

    assert done.returncode == 0, done.stderr
    assert "same person · " in done.stdout


def test_the_demo_shows_the_way_from_there_and_says_what_it_skipped(core_python: Python, tmp_path: Path) -> None:
    done = core_python("-m", "reseen", "demo", "--out", tmp_path / "demo")

    assert done.returncode == 0, done.stderr
    (told,) = re.findall(r"^shipped model, easy people:  rank-1 +([\d.]+) %, mAP +[\d.]+ %$", done.stdout, re.MULTILINE)
    assert float(told) > 85
    assert "trained network" not in done.stdout
    assert "say nothing about people in your images" in done.stderr
    assert "training and export were skipped: pip install '.[export]' in a clone of reseen adds" in done.stderr
    for file in ("report.html", "shipped/comparison.png", "shipped/search.html"):
        assert (tmp_path / "demo" / file).is_file()


def test_the_doctor_finds_nothing_wrong_with_it_and_says_what_it_could_have(
    core_python: Python, tmp_path: Path
) -> None:
    done = core_python("-m", "reseen", "doctor", "--output", tmp_path, "--json")

    found = {each["name"]: each for each in json.loads(done.stdout)["findings"]}
    problems = {name for name, each in found.items() if each["status"] == "problem" and not name.startswith("port ")}
    assert problems == set(), done.stderr
    assert found["onnxruntime"]["text"] == f"{metadata.version('onnxruntime')}, an engine"
    assert "(an engine): pip install '.[openvino]' in a clone of reseen" in found["openvino"]["text"]
    assert "(an engine): pip install '.[mnn]' in a clone of reseen" in found["MNN"]["text"]
    assert "(to train, and to evaluate and export weights): pip install '.[train]'" in found["torch"]["text"]
    assert "pip install '.[parquet]' in a clone of reseen" in found["pyarrow"]["text"]


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (("--output", "f.parquet"), "pip install '.[parquet]' in a clone of reseen"),
        (("--engine", "openvino"), "pip install '.[openvino]' in a clone of reseen"),
    ],
)
def test_a_missing_extra_names_the_command_that_installs_it(
    core_python: Python, small_bundle: Path, crops: Path, options: tuple[str, ...], command: str
) -> None:
    done = core_python("-m", "reseen", "embed", crops, "--bundle", small_bundle, *options)

    assert done.returncode == 2
    assert command in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["embed", "compare"])
def test_nothing_heavy_is_imported_that_is_not_needed(
    core_python: Python, small_bundle: Path, crops: Path, verb: str
) -> None:
    images = [crops / "a.png", crops / "b.png"]
    program = (
        "import sys\nfrom reseen.cli.app import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = core_python("-c", program, verb, *images, "--bundle", small_bundle)

    *result, imported = done.stdout.splitlines()
    assert imported == "[]"
    assert len(result) == {"embed": 2, "compare": 1}[verb], done.stderr
