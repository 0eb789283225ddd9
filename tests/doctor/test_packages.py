from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement as Oracle
from packaging.specifiers import SpecifierSet

from reseen.doctor import packages
from reseen.doctor.packages import Requirement, allows, check_library, check_versions

TORCH = Requirement("torch", ">=2.6", "train", needed=True)
PILLOW = Requirement("pillow", ">=11", needed=True)
MNN = Requirement("MNN", ">=3.1", "mnn")
TENSORBOARD = Requirement("tensorboard", ">=2.18", "tensorboard")

releases = st.lists(st.integers(0, 12), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))


def pretend_version(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: version)


def pretend_absence(monkeypatch: pytest.MonkeyPatch, *absent: str) -> None:
    """Libraries that are not installed; imports are left alone."""
    version = metadata.version

    def installed(name: str) -> str:
        if name in absent:
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", installed)


def pretend_failure(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(name: str) -> ModuleType:
        raise error

    monkeypatch.setattr(packages, "import_module", refuse)


def test_all_that_pyproject_asks_for_what_this_version_does_is_looked_at(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {extra: project["optional-dependencies"][extra] for extra in packages.EXTRAS}
    asked = [Oracle(line) for line in sum(extras.values(), project["dependencies"])]

    found = {(each.name, SpecifierSet(each.limits)) for each in packages.requirements()}

    assert found >= {(each.name, each.specifier) for each in asked if each.name != "reseen"}
    assert {name for name, _ in found} == {each.name for each in asked if each.name != "reseen"} | {
        "pytorch-metric-learning",
        "timm",
    }
    assert {each.extra for each in packages.requirements()} == {None, *extras}
    assert len({name for name, _ in found}) == len(packages.requirements())


def test_versions_are_the_installed_ones() -> None:
    found = {each.name: each for each in check_versions()}

    assert (found["torch"].status, found["torch"].text) == ("ok", metadata.version("torch"))
    assert (found["pillow"].status, found["pillow"].text) == ("ok", metadata.version("pillow"))
    assert {"python", "reseen", "numpy", "pydantic", "safetensors"} <= found.keys()
    engines = {name: each.text for name, each in found.items() if each.text.endswith(", an engine")}
    assert engines == {name: f"{metadata.version(name)}, an engine" for name in ("onnxruntime", "openvino", "MNN")}


def test_where_there_is_torch_all_of_training_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {each.name: each.needed for each in packages.requirements()}
    pretend_absence(monkeypatch, "torch")
    without = {each.name: each.needed for each in packages.requirements()}

    assert {name for name, needed in there.items() if needed != without[name]} == {"torch", "safetensors", "pyarrow"}
    assert there["torch"]
    assert without["onnxruntime"]


def test_a_checkout_that_is_not_installed_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_absence(monkeypatch, "reseen")

    assert [each.name for each in check_versions()][:2] == ["python", "reseen"]


@pytest.mark.parametrize(
    ("requirement", "module", "cure"),
    [(TORCH, "torch", "pip install '.[train]' in a clone of reseen"), (PILLOW, "PIL", "pip install 'pillow>=11'")],
)
def test_a_missing_library_says_what_brings_it(
    requirement: Requirement, module: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_failure(monkeypatch, ModuleNotFoundError(f"No module named '{module}'", name=module))

    found = check_library(requirement)

    assert (found.status, found.cure) == ("problem", cure)
    assert "missing" in found.text


@pytest.mark.parametrize(
    "error",
    [
        OSError("libc10.so: cannot open shared object file\nand more"),
        ModuleNotFoundError("No module named 'sympy'", name="sympy"),
        RuntimeError(),
    ],
)
def test_a_library_that_does_not_load_is_a_problem(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_failure(monkeypatch, error)

    found = check_library(TORCH)

    assert (found.status, found.cure) == ("problem", "pip install --force-reinstall torch")
    assert found.text == f"does not load: {(str(error) or 'RuntimeError').splitlines()[0]}"


def test_a_library_that_is_too_old_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_version(monkeypatch, "2.5.1+cpu")

    found = check_library(TORCH)

    assert (found.status, found.cure) == ("problem", "pip install 'torch>=2.6'")
    assert found.text == "2.5.1+cpu does not fit; reseen needs >=2.6"


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        (TENSORBOARD, "not installed (for its event files): pip install '.[tensorboard]' in a clone of reseen"),
        (MNN, "not installed (an engine): pip install '.[mnn]' in a clone of reseen"),
        (
            replace(TORCH, needed=False),
            "not installed (to train, and to evaluate and export weights): pip install '.[train]' in a clone of reseen",
        ),
        (Requirement("timm"), "not installed: pip install 'timm'"),
    ],
)
def test_an_optional_library_that_is_not_there_is_a_note(
    requirement: Requirement, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_absence(monkeypatch, requirement.name)

    found = check_library(requirement)

    assert (found.status, found.text) == ("note", told)


def test_an_engine_that_is_there_has_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_failure(monkeypatch, ImportError("libMNN.so: cannot open shared object file"))

    found = check_library(MNN)

    assert (found.status, found.text) == ("problem", "does not load: libMNN.so: cannot open shared object file")
    assert check_library(TENSORBOARD).status == "ok"


@pytest.mark.parametrize(("version", "status"), [("2.18.0", "ok"), ("2.9", "problem")])
def test_an_optional_library_that_is_there_has_to_fit(
    version: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_version(monkeypatch, version)

    assert check_library(TENSORBOARD).status == status


@given(releases, releases, releases)
def test_limits_are_kept_as_pip_keeps_them(low: str, high: str, version: str) -> None:
    assert allows(f">={low}", version) == SpecifierSet(f">={low}").contains(version)
    assert allows(f"<{high},>={low}", version) == SpecifierSet(f"<{high},>={low}").contains(version)
    assert allows("", version)
