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

UNCLEAR = {
    r"\brecall@\d*": "rank-k; JSON has its own keys",
    r"\bTAR@|@FAR\b": "TMR and FMR",
    r"\bof two people\b|\bpairs of two\b|\bpairs of one person\b": "same-person pairs, different-person pairs",
    r"\b\d+ persons\b|\bthe persons\b|\bmany persons\b": "people; identities for labels",
    r"cannot be (told|had)\b": "not measurable, not known, cannot be loaded",
    r"\b(is|are) said to be\b|and that is said\b": "say who says it",
    r"\bsays a cure\b|\bsays its cure\b": "suggests a fix",
}
"""What the project once said, and what it says instead; logs and decisions stay as they were."""
HISTORY = ("docs/experiments.md", "docs/results.md", "docs/decisions/", "CHANGELOG.md")


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


@pytest.mark.parametrize("pattern", UNCLEAR)
def test_texts_keep_to_the_words_of_the_field(pattern: str, read_by_users: dict[str, str]) -> None:
    current = {file: text for file, text in read_by_users.items() if not file.startswith(HISTORY)}
    offences = {file: found[0] for file, text in current.items() if (found := re.search(pattern, text))}

    assert offences == {}, UNCLEAR[pattern]


@pytest.mark.parametrize(
    "text",
    [
        "recall@1 85.5 %",
        "TAR@FAR=0.01",
        "124 pairs of two",
        "24 persons",
        "the 12 cannot be told",
        "says a cure with it",
    ],
)
def test_words_that_were_given_up_would_be_noticed(text: str) -> None:
    assert any(re.search(pattern, text) for pattern in UNCLEAR)
