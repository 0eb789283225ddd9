"""The library can be installed, and the program of its page builds with it and runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import reseen

PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(example CXX)
find_package(reseen 0.1 REQUIRED)
add_executable(example example.cpp)
target_compile_options(example PRIVATE -Wall -Wextra -Werror)
target_link_libraries(example PRIVATE reseen::reseen)
"""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def installed(cpp_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix that the library and the command were installed to."""
    prefix = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", cpp_build, "--prefix", prefix)
    return prefix


def test_the_installed_command_runs(installed: Path) -> None:
    assert run(installed / "bin" / "reseen-embed", "--help").stdout.startswith("usage: reseen-embed")


def test_the_program_of_the_page_compares_two_images(
    repository: Path,
    installed: Path,
    cpp_compiler: Path,
    openvino_cmake: Path,
    small_bundle: Path,
    people: Path,
    tmp_path: Path,
) -> None:
    page = (repository / "docs" / "cpp.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```cpp\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "example.cpp").write_text(example)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    settings = {
        "CMAKE_CXX_COMPILER": cpp_compiler,
        "CMAKE_PREFIX_PATH": installed,
        "OpenVINO_DIR": openvino_cmake,
    }
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", *(f"-D{name}={value}" for name, value in settings.items()))
    run("cmake", "--build", tmp_path / "build")
    one, other = sorted(people.glob("*.jpg"))[:2]

    printed = run(tmp_path / "build" / "example", small_bundle, one, other).stdout

    expected = reseen.load(small_bundle, threads=1).compare(one, other).score
    assert float(printed) == pytest.approx(expected, abs=1e-4)
    assert np.abs(expected) < 0.9999
