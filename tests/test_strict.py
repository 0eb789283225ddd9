"""What is read back is exactly what was written, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import RootModel, ValidationError

from reseen.errors import UsageError
from reseen.strict import Count, Rate, Strict, fault, read_json, read_json_lines


class Example(Strict):
    """Some figures."""

    share: Rate
    number: Count
    bounds: tuple[float, float] | None = None


class Number(RootModel[int]):
    """A line."""


def refuse(got: str) -> UsageError:
    return UsageError(got)


def test_json_is_read_back_as_it_was_written() -> None:
    example = Example(share=0.1, number=3, bounds=(-1.0, 1 / 3))
    assert Example.model_validate_json(example.model_dump_json()) == example


@pytest.mark.parametrize(
    "text",
    [
        '{"share": 0.1}',
        '{"share": 0.1, "number": 3, "other": 1}',
        '{"share": "0.1", "number": 3}',
        '{"share": 0.1, "number": 3.5}',
        '{"share": 0.1, "number": -1}',
        '{"share": 1.1, "number": 3}',
        '{"share": NaN, "number": 3}',
        '{"share": 0.1, "number": 3, "bounds": [Infinity, 1]}',
        '{"share": 0.1, "number": 3, "bounds": [1]}',
        '{"share": 0.1, "number": true}',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate_json(text)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (None, "No such file or directory"),
        (b"", "Invalid JSON"),
        (b"\xff", "Invalid JSON"),
        (b"[" * 5000, "Invalid JSON"),
        (b'{"share": 0.1, "number": 3}' + b" " * 100, "more than 100 bytes"),
        (b'{"share": 0.1}', "number: Field required"),
        (b'{"share": 0.1, "number": 3, "bounds": [1, true]}', "bounds.1: "),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_its_first_fault(content: bytes | None, got: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UsageError) as refused:
        read_json(path, Example, 5000 if content and content[:1] == b"[" else 100, refuse)
    assert refused.value.what.startswith(got)


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"share": 0.1, "number": 3}')
    (tmp_path / "b.jsonl").write_text("1\n2\n")

    assert read_json(tmp_path / "a.json", Example, 100, refuse) == Example(share=0.1, number=3)
    assert read_json_lines(tmp_path / "b.jsonl", Number, 100, refuse) == [Number(1), Number(2)]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a folder, a pipe or a device"):
        read_json(tmp_path, Example, 100, refuse)


@pytest.mark.parametrize(
    ("content", "got"),
    [("1\nx\n", "line 2: Invalid JSON"), ("1\n" * 99, "more than 100 bytes"), ("1\n\n2\n", "line 2:")],
)
def test_the_line_that_is_at_fault_is_told(content: str, got: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(content)

    with pytest.raises(UsageError) as refused:
        read_json_lines(tmp_path / "a.jsonl", Number, 100, refuse)
    assert refused.value.what.startswith(got)


def test_a_fault_is_told_in_a_few_words() -> None:
    assert fault(ValueError("x" * 1000)) == "x" * 300
    assert fault(OSError(13, "Permission denied", "a.json")) == "Permission denied"
