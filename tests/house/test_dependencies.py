"""What is imported is declared, and what is declared is pinned."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PINNED_EXTRAS = ("train", "dev", "docs")
MAX_CORE_BYTES = 350e6
"""As the packages are packed: bytecode, a fifth more, is made after the install or not at all."""


@pytest.fixture(scope="session")
def project(repository: Path) -> dict[str, Any]:
    """Table `[project]` of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    return table


@pytest.fixture(scope="session")
def pins(repository: Path) -> dict[str, Version]:
    """Versions in constraints.txt by canonical name."""
    lines = (repository / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def closure(requirements: list[Requirement]) -> dict[str, list[Requirement]]:
    """Everything that installing the requirements brings on this machine, and what is asked of each."""
    asked: dict[str, list[Requirement]] = {}
    while requirements:
        requirement = requirements.pop()
        name = canonicalize_name(requirement.name)
        if requirement not in asked.setdefault(name, []):
            asked[name].append(requirement)
            requirements += applicable(metadata.requires(name) or [], requirement.extras)
    return asked


def applicable(requirements: list[str], extras: set[str]) -> list[Requirement]:
    return [
        requirement
        for requirement in map(Requirement, requirements)
        if not requirement.marker or any(requirement.marker.evaluate({"extra": extra}) for extra in extras or {""})
    ]


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]


def test_every_pin_is_one_exact_version_and_nothing_else(pins: dict[str, Version]) -> None:
    assert len(pins) > 20
    assert all(version.local is None and not version.is_devrelease for version in pins.values())


def test_pins_are_what_the_pinned_extras_install(project: dict[str, Any], pins: dict[str, Version]) -> None:
    extras = [requirement for extra in PINNED_EXTRAS for requirement in project["optional-dependencies"][extra]]
    needed = closure(applicable(project["dependencies"] + extras, set()))
    needed.pop("reseen", None)  # an extra may name others of the project's own

    assert needed.keys() - pins.keys() == set()
    assert pins.keys() - needed.keys() == set()
    refused = [
        f"{name}=={pins[name]} is not {requirement}"
        for name, requirements in needed.items()
        for requirement in requirements
        if pins[name] not in requirement.specifier
    ]
    assert refused == []


def test_installed_versions_are_the_pinned_ones(pins: dict[str, Version]) -> None:
    installed = {name: Version(metadata.version(name)).public for name in pins}
    assert installed == {name: str(version) for name, version in pins.items()}


def test_core_install_is_small(project: dict[str, Any], repository: Path) -> None:
    core = closure(applicable(project["dependencies"], set()))
    sizes = {name: packed_size(Path(str(file.locate())) for file in metadata.files(name) or []) for name in core}
    sizes["reseen"] = packed_size((repository / "src" / "reseen").rglob("*"))

    assert sizes["numpy"] > 10e6
    assert sizes["reseen"] > 0.5e6
    assert sum(sizes.values()) < MAX_CORE_BYTES, sorted(sizes.items(), key=lambda item: -item[1])


def packed_size(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc")


def test_the_decision_about_extras_names_each(project: dict[str, Any], repository: Path) -> None:
    decision = (repository / "docs" / "decisions" / "0003-extras.md").read_text(encoding="utf-8")
    named = {word for code in re.findall(r"`([^`]+)`", decision) for word in code.split()}

    assert set(project["optional-dependencies"]) <= named


def test_every_import_of_the_source_is_declared(project: dict[str, Any], source_files: list[Path]) -> None:
    requirements = project["dependencies"] + [r for rs in project["optional-dependencies"].values() for r in rs]
    declared = {canonicalize_name(Requirement(requirement).name) for requirement in requirements}
    distributions = metadata.packages_distributions()

    for file in source_files:
        for module in set(imported(file)) - set(sys.stdlib_module_names) - {"reseen"}:
            names = {canonicalize_name(name) for name in distributions.get(module, [module])}
            assert names & declared, f"{file} imports {module}, which pyproject.toml does not declare"
