"""Rules of the tests themselves: each can fail, and none fails because the machine is slow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CLOCKS = {
    name + unit
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime")
    for unit in ("", "_ns")
}
CHECKS = ("raises", "warns", "fail")
"""What checks something by being called, besides names with `assert` in them."""


def clocks(tree: ast.AST) -> Iterator[str]:
    """Where a module asks what time it is, or for how long something has been going on."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr=name) if name in CLOCKS:
                yield f"time.{name}"
            case ast.ImportFrom(module="time", names=names):
                yield from (f"time.{each.name}" for each in names if each.name in CLOCKS)


def checks(function: ast.AST, helpers: set[str]) -> bool:
    """Whether a function asserts something, itself or by what it calls: a helper of its file, or a fixture."""
    for node in ast.walk(function):
        match node:
            case ast.Assert():
                return True
            case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
                if "assert" in name or name in CHECKS or (isinstance(node.func, ast.Name) and name in helpers):
                    return True
    return False


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def unchecked(tree: ast.AST, shared: set[str]) -> list[str]:
    """Tests that cannot fail but by an error."""
    own = {each.name for each in functions(tree) if not each.name.startswith("test_") and checks(each, set())}
    return [f.name for f in functions(tree) if f.name.startswith("test_") and not checks(f, own | shared)]


@pytest.fixture(scope="module")
def files(repository: Path) -> dict[str, ast.Module]:
    """Every Python file of the tests, by its path there."""
    tests = repository / "tests"
    return {str(f.relative_to(tests)): ast.parse(f.read_text(encoding="utf-8")) for f in sorted(tests.rglob("*.py"))}


@pytest.mark.parametrize("code", ["time.perf_counter()", "from time import monotonic", "time.process_time_ns()"])
def test_code_that_reads_a_clock_is_recognised(code: str) -> None:
    assert len(list(clocks(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def test_a(): run()", ["test_a"]),
        ("def test_a(): assert run()", []),
        ("def test_a():\n with pytest.raises(ValueError): run()", []),
        ("def test_a(): np.testing.assert_allclose(1, 1)", []),
        ("def helper(): assert run()\ndef test_a(): helper()", []),
        ("def test_a(): shared()", []),
        ("def test_a(): thing.shared()", ["test_a"]),
    ],
)
def test_a_test_that_cannot_fail_is_recognised(code: str, found: list[str]) -> None:
    assert unchecked(ast.parse(code), {"shared"}) == found


def test_no_test_measures_time(files: dict[str, ast.Module]) -> None:
    """Work is counted (`count_calls`) and what has to come is waited for (`wait_until`); speed is for benchmarks/."""
    found = {file: read for file, tree in files.items() if (read := list(clocks(tree)))}
    assert found == {"conftest.py": ["time.monotonic"] * 2}


def test_every_test_checks_something(files: dict[str, ast.Module]) -> None:
    conftests = [tree for file, tree in files.items() if Path(file).name == "conftest.py"]
    shared = {each.name for tree in conftests for each in functions(tree) if checks(each, set())}
    found = {file: tests for file, tree in files.items() if (tests := unchecked(tree, shared))}
    assert found == {}
