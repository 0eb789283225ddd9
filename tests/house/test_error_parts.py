"""Every error of reseen says what was expected, what was got and the cure, and the cures are worded alike."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from reseen import errors

PARTS = {"expected", "got", "cure"}
CLASSES = {name for name, _ in inspect.getmembers(errors, inspect.isclass)} - {"Interrupted"}


def faulty_errors(tree: ast.AST) -> Iterator[str]:
    """What is wrong with the errors that a module makes, raised on the spot or not, each with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), keywords=keywords) if name in CLASSES:
                given = {k.arg: k.value for k in keywords if ast.unparse(k.value) not in {"None", "''"}}
                yield from (f"{node.lineno}: {part} is missing" for part in sorted(PARTS - given.keys()))
                yield from (f"{node.lineno}: cure is {cure!r}" for cure in cures(given.get("cure")) if misworded(cure))


def cures(value: ast.expr | None) -> Iterator[str]:
    """The literal texts that a cure may be; what is filled into one reads as {}."""
    match value:
        case ast.Constant(value=text):
            yield str(text)
        case ast.JoinedStr(values=pieces):
            yield "".join(str(piece.value) if isinstance(piece, ast.Constant) else "{}" for piece in pieces)
        case ast.IfExp(body=first, orelse=second):
            yield from cures(first)
            yield from cures(second)


def misworded(cure: str) -> bool:
    """Whether a cure begins with a capital or ends with a stop."""
    return cure[0].isupper() or cure.endswith(".")


@pytest.mark.parametrize(
    "code",
    [
        "raise DatasetError('what', got='a', cure='b')",
        "raise DatasetError('what', expected='a', cure='b')",
        "raise DatasetError('what', expected='a', got='b')",
        "raise errors.DatasetError('what', expected='a', got='b')",
        "return UsageError('what', expected='a', got='b')",
        "raise UsageError('what', expected='a', got='b', cure='Do this')",
        "raise UsageError('what', expected='a', got='b', cure='do this.')",
        "raise UsageError('what', expected='a', got='b', cure=f'do {this}.')",
        "raise UsageError('what', expected='a', got='b', cure='do this' if that else 'Do that')",
        "raise UsageError('what', expected='a', got='b', cure=None)",
    ],
)
def test_an_error_that_lacks_a_part_or_words_its_cure_otherwise_is_recognised(code: str) -> None:
    assert len(list(faulty_errors(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "raise UsageError('what', expected='a', got='b', cure='do this')",
        "raise UsageError('what', expected='a', got='b', cure=f'{command} does this')",
        "raise UsageError('what', expected='a', got='b', cure=cure)",
        "raise Interrupted('what')",
        "raise ValueError('what')",
    ],
)
def test_a_complete_error_is_not_accused(code: str) -> None:
    assert list(faulty_errors(ast.parse(code))) == []


def test_every_error_says_what_was_expected_and_got_and_the_cure(source_files: list[Path]) -> None:
    trees = {file: ast.parse(file.read_text(encoding="utf-8"), file.name) for file in source_files}
    assert {str(file): found for file, tree in trees.items() if (found := list(faulty_errors(tree)))} == {}
