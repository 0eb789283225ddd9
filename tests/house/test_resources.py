"""A missing resource is loud, and in CI it is a failure."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TEST_OF_EACH_RESOURCE = """
def test_dataset(market1501): pass
def test_dataset_again(market1501): pass
def test_weights(imagenet_weights): pass
def test_browser(chromium): pass
def test_compiler(cpp_compiler): pass
def test_nothing(): pass
"""


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    """A project that has these fixtures and no resources."""
    tests = tmp_path / "checkout" / "tests"
    tests.mkdir(parents=True)
    shutil.copy(repository / "tests" / "conftest.py", tests)
    (tests / "test_resources.py").write_text(TEST_OF_EACH_RESOURCE)
    return tests.parent


def run_tests(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(checkout), "HOME": str(checkout)} | environment
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def test_missing_resources_are_listed_as_not_run(checkout: Path) -> None:
    result = run_tests(checkout)

    assert result.returncode == 0
    assert "1 passed, 5 skipped" in result.stdout
    assert "NOT RUN (resource missing): 2" in result.stdout
    assert result.stdout.count("NOT RUN (resource missing): 1") == 3
    for text in (
        "RESEEN_MARKET1501",
        "test_dataset",
        "test_dataset_again",
        "RESEEN_IMAGENET_WEIGHTS",
        "test_weights",
        "test_browser",
        "RESEEN_CXX",
        "test_compiler",
    ):
        assert text in result.stdout


def test_missing_resources_fail_in_ci(checkout: Path) -> None:
    result = run_tests(checkout, CI="true")

    assert result.returncode == 1
    assert "1 passed, 5 errors" in result.stdout


def test_resources_may_be_named_by_the_environment(checkout: Path) -> None:
    (checkout / "market" / "bounding_box_train").mkdir(parents=True)
    (checkout / "weights.npz").touch()

    result = run_tests(
        checkout,
        CI="true",
        RESEEN_MARKET1501=str(checkout / "market"),
        RESEEN_IMAGENET_WEIGHTS=str(checkout / "weights.npz"),
        RESEEN_CHROMIUM=sys.executable,
        RESEEN_CXX=sys.executable,
    )

    assert "6 passed" in result.stdout


def test_resources_beside_the_checkout_are_found(checkout: Path) -> None:
    data = checkout.parent / "shared" / "data"
    (data / "weights").mkdir(parents=True)
    (data / "weights" / "resnet50_imagenet_conv1_to_layer3.npz").touch()
    dataset = checkout / "Market-1501-v15.09.15" / "bounding_box_train"
    dataset.mkdir(parents=True)
    archive = shutil.make_archive(str(data / "market1501"), "gztar", checkout, dataset.parent.name)
    assert archive == str(data / "market1501.tar.gz")

    result = run_tests(checkout, CI="true", RESEEN_CHROMIUM=sys.executable, RESEEN_CXX=sys.executable)

    assert "6 passed" in result.stdout
