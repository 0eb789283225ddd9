"""What users read says nothing that is not true yet, and keeps to the words of the field.

Read are the documents, the templates of pages, and every text in the source of more than one word that is no docstring.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

UNTRUE = {r"pip install (--\S+ )*'?reseen\b": "the package is on no index: say `pip install .` from a clone"}


def texts(source: str) -> Iterator[str]:
    """The strings of a module with a space in them, as written, but for docstrings and the notes below constants."""
    tree = ast.parse(source)
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if " " in text.strip() and id(node) not in notes:
                yield text


@pytest.fixture(scope="module")
def read_by_users(repository: Path, source_files: list[Path]) -> dict[str, str]:
    """All texts by the file that holds them."""
    pages = [*repository.glob("*.md"), *(repository / "docs").rglob("*.md"), *(repository / "src").rglob("*.html")]
    found = {str(page.relative_to(repository)): page.read_text(encoding="utf-8") for page in pages}
    for file in source_files:
        found[str(file.relative_to(repository))] = "\n".join(texts(file.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("pattern", UNTRUE)
def test_no_text_says_what_is_not_true_yet(pattern: str, read_by_users: dict[str, str]) -> None:
    offences = {file: found for file, text in read_by_users.items() if (found := re.search(pattern, text))}

    assert offences == {}, UNTRUE[pattern]


@pytest.mark.parametrize(
    "text",
    ["pip install reseen", "pip install 'reseen[train]'", "pip install --upgrade reseen", "`pip install reseen`"],
)
def test_an_installation_from_an_index_would_be_noticed(text: str) -> None:
    assert any(re.search(pattern, text) for pattern in UNTRUE)


@pytest.mark.parametrize(
    "text", ["pip install .", "pip install '.[train]'", "pip install '.[export]' in a clone of reseen"]
)
def test_an_installation_from_a_clone_is_allowed(text: str) -> None:
    assert not any(re.search(pattern, text) for pattern in UNTRUE)
