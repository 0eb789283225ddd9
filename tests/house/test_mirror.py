"""Tests mirror the source: `src/reseen/ROOM/idea.py` is tested by `tests/ROOM/test_idea.py`."""

from __future__ import annotations

from pathlib import Path


def test_every_source_file_has_its_test_file(repository: Path, source_files: list[Path]) -> None:
    package = repository / "src" / "reseen"
    ideas = [file.relative_to(package) for file in source_files if not file.name.startswith("__")]
    mirrors = {idea: idea.parent / f"test_{idea.name}" for idea in ideas}

    untested = [
        f"src/reseen/{idea} -> tests/{mirror}"
        for idea, mirror in mirrors.items()
        if not (repository / "tests" / mirror).is_file()
    ]
    assert not untested, "source files without their test file:\n" + "\n".join(untested)


def test_every_test_file_of_a_room_has_its_source_file(repository: Path) -> None:
    package = repository / "src" / "reseen"
    rooms = [folder.name for folder in package.iterdir() if (folder / "__init__.py").is_file()]
    tests = [file for room in rooms for file in (repository / "tests" / room).rglob("test_*.py")]

    orphans = [
        str(test.relative_to(repository))
        for test in tests
        if not (package / test.relative_to(repository / "tests").parent / test.name.removeprefix("test_")).is_file()
    ]
    assert not orphans, "test files of no source file:\n" + "\n".join(orphans)
