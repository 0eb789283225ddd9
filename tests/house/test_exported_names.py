"""`reseen` gives every public name, and loads nothing to say so."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import reseen
from reseen import errors

PROMISED = {
    "Bundle",
    "Calibration",
    "Embedded",
    "Embedder",
    "Manifest",
    "Match",
    "Preprocess",
    "Recipe",
    "Run",
    "Sample",
    "Verdict",
    "calibrate",
    "evaluate",
    "export",
    "load",
    "load_recipe",
    "open_dataset",
    "train",
}
"""The interface of Python's users: a name that leaves this set, or comes, is a change that they are told of."""


def test_the_public_names_are_those_that_are_promised_and_every_error() -> None:
    raised = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}

    assert set(reseen.__all__) == PROMISED | raised
    assert reseen.__all__ == sorted(reseen.__all__)


@pytest.mark.parametrize("name", reseen.__all__)
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(reseen, name)

    assert found.__name__ == name
    assert inspect.getdoc(found)


def test_type_checkers_see_the_same_names(repository: Path) -> None:
    tree = ast.parse((repository / "src" / "reseen" / "__init__.py").read_text(encoding="utf-8"))
    seen = {
        alias.name: node.module
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert seen.keys() == set(reseen.__all__)
    for name, module in seen.items():
        assert getattr(sys.modules["reseen"], name) is getattr(__import__(module or "", fromlist=[name]), name)


def test_completion_shows_the_public_names_alone() -> None:
    assert sorted(dir(reseen)) == sorted([*reseen.__all__, "__version__"])


def test_no_public_name_is_that_of_a_room(repository: Path) -> None:
    rooms = {path.stem for path in (repository / "src" / "reseen").iterdir()}

    assert not rooms & set(reseen.__all__)  # importing the room would put it in the place of the name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Galery'"):
        _ = reseen.Galery


def test_importing_reseen_and_listing_its_names_loads_nothing(
    run_python: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    done = run_python(
        "import sys; import reseen; dir(reseen)\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names - {'__main__'}))"
    )

    assert "reseen" in done.stdout
    assert not {"numpy", "torch", "scipy", "pydantic", "onnxruntime", "PIL"} & set(done.stdout.split("'"))


def test_every_public_name_has_a_page(repository: Path) -> None:
    """The errors share one."""
    pages = repository / "docs" / "api"
    menu = (repository / "mkdocs.yml").read_text(encoding="utf-8")
    overview = (pages / "index.md").read_text(encoding="utf-8")

    for name in PROMISED:
        assert (pages / f"{name}.md").read_text(encoding="utf-8") == f"::: reseen.{name}\n"
        assert f"- {name}: api/{name}.md\n" in menu
        assert f"[`{name}`]({name}.md)" in overview
