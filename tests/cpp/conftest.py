"""The C++ library and command, built once, and images for them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import UInt8
from PIL import Image

from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

Run = Callable[..., subprocess.CompletedProcess[str]]
Pixels = Callable[..., UInt8[np.ndarray, "_ _ 3"]]


@pytest.fixture(scope="session")
def openvino_cmake() -> Path:
    """OpenVINO's CMake files, found without importing it, which would report to its vendor."""
    found = find_spec("openvino")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "cmake"


@pytest.fixture(scope="session")
def cpp_build(
    repository: Path, cpp_compiler: Path, openvino_cmake: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder of the programs; a warning fails the build."""
    folder = tmp_path_factory.mktemp("cpp")
    settings = {
        "CMAKE_CXX_COMPILER": cpp_compiler,
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_COMPILE_WARNING_AS_ERROR": "ON",
        "OpenVINO_DIR": openvino_cmake,
        "RESEEN_BUILD_TESTS": "ON",
    }
    options = [f"-D{name}={value}" for name, value in settings.items()]
    for command in (
        ["cmake", "-S", str(repository / "cpp"), "-B", str(folder), *options],
        ["cmake", "--build", str(folder), "--parallel", str(os.cpu_count() or 1)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def reseen_embed(cpp_build: Path) -> Run:
    """Runs the command with these arguments."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(cpp_build / "reseen-embed"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture(scope="session")
def pixels(cpp_build: Path) -> Pixels:
    """Pixels that the library makes of an image: `pixels("decode", file)`, `pixels("resize", file, height, width)`."""

    def show(*arguments: object) -> UInt8[np.ndarray, "_ _ 3"]:
        done = subprocess.run([str(cpp_build / "pixels"), *map(str, arguments)], capture_output=True, check=False)
        if done.returncode != 0:
            raise ValueError(done.stderr.decode())
        return np.asarray(Image.open(BytesIO(done.stdout)))

    return show


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn people as JPEG, below it a folder of others as PNG."""
    drawn = tmp_path_factory.mktemp("drawn")
    plan = Plan(persons=2, test_persons=2, cameras=3, images_per_camera=2, distractors=1, junk=1, height=100, width=45)
    synthesise(drawn, plan)
    folder = tmp_path_factory.mktemp("people")
    (folder / "lossless").mkdir()
    for place, file in enumerate(sorted(drawn.rglob("*.jpg"))):
        if place % 2:
            file.rename(folder / file.name)
        else:
            Image.open(file).save(folder / "lossless" / f"{file.stem}.png")
    return folder
