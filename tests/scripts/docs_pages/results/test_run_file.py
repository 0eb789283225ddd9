from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs_pages.results import run_file
from docs_pages.results.run_file import read_run_file
from reseen.errors import UsageError


def test_it_gives_what_the_file_tells(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 3}')

    assert read_run_file(tmp_path / "a.json", lambda content: json.loads(content)["a"]) == 3


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"a": 1}'])
def test_whatever_it_lacks_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)

    with pytest.raises(UsageError, match=r"a\.json does not tell"):
        read_run_file(tmp_path / "a.json", lambda content: json.loads(content)["a"]["b"])


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_run_file(tmp_path / "a.json", json.loads)


def test_a_file_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_text("[1]")
    monkeypatch.setattr(run_file, "MAX_BYTES", 2)

    with pytest.raises(UsageError, match="more than 2 bytes"):
        read_run_file(tmp_path / "a.json", json.loads)
