from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reseen.datasets.manifest import Manifest

Reseen = Callable[..., Any]
WellTold = Callable[[Any], bool]
PLAN = ["--persons", "3", "--test-persons", "2", "--cameras", "2", "--images", "2"]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_check_counts_what_a_dataset_holds(people: Manifest, reseen: Reseen) -> None:
    answer = reseen("data", "check", people.root)

    assert answer.code == 0
    for line in (
        "train: 36 images of 6 people",
        "query: 12 images of 4 people",
        "gallery: 15 images of 4 people (12 + 3 distractors), 2 junk dropped",
        "cameras: 3 (1, 2, 3)",
        "files: 65 decoded, 0 broken",
        "people both in training and in evaluation: 0",
        "queries that would be skipped: 0",
    ):
        assert f"{line}\n" in answer.out


def test_check_gives_machines_one_object(people: Manifest, reseen: Reseen) -> None:
    answer = reseen("data", "check", people.root, "--json")

    assert answer.code == 0
    assert answer.out.count("\n") == 1
    report = json.loads(answer.out)
    assert {part["split"]: (part["images"], part["persons"], part["junk"]) for part in report["parts"]} == {
        "train": (36, 6, 0),
        "query": (12, 4, 0),
        "gallery": (15, 4, 2),
    }
    assert (report["files"], report["broken"], report["skipped"]) == (65, [], [])


def test_check_names_broken_files_and_skipped_queries_and_ends_with_1(
    people: Manifest, reseen: Reseen, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(people.root, tmp_path / "people"))
    torn = min((root / "bounding_box_train").glob("*.jpg"))
    torn.write_bytes(torn.read_bytes()[:200])
    lonely = min((root / "query").glob("*.jpg")).name[:4]
    for image in (root / "bounding_box_test").glob(f"{lonely}_*.jpg"):
        image.unlink()

    text, machine = reseen("data", "check", root), reseen("data", "check", root, "--json")

    assert (text.code, machine.code) == (1, 1)
    assert "1 broken" in text.out
    assert f"{torn} cannot be decoded" in text.out
    assert "queries that would be skipped: 3\n  person not in gallery: 3 (" in text.out
    report = json.loads(machine.out)
    assert [file["path"] for file in report["broken"]] == [str(torn)]
    assert {query["person"] for query in report["skipped"]} == {lonely}


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_check_of_no_dataset_ends_with_2(
    path: str, reseen: Reseen, well_told: WellTold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    answer = reseen("data", "check", path)

    assert answer.code == 2
    assert well_told(answer)


def test_synth_draws_what_was_asked_for_and_the_same_again(reseen: Reseen, tmp_path: Path) -> None:
    first = reseen("data", "synth", tmp_path / "first", *PLAN)
    reseen("data", "synth", tmp_path / "second", *PLAN)
    reseen("data", "synth", tmp_path / "other", *PLAN, "--seed", "1")

    assert (first.code, first.out) == (0, "")
    assert f"{(3 + 2) * 2 * 2 + 48 + 24} images in {tmp_path / 'first'}" in first.err
    assert files(tmp_path / "first") == files(tmp_path / "second")
    drawn, otherwise = files(tmp_path / "first"), files(tmp_path / "other")
    assert drawn.keys() == otherwise.keys()
    assert all(drawn[name] != otherwise[name] for name in drawn if name.endswith(".jpg"))
    assert (
        "train: 12 images of 3 people\nquery: 4 images of 2 people\n" in reseen("data", "check", tmp_path / "first").out
    )


@pytest.mark.parametrize(("option", "value"), [("--persons", "0"), ("--cameras", "7"), ("--images", "1")])
def test_synth_refuses_what_cannot_be_drawn(
    option: str, value: str, reseen: Reseen, well_told: WellTold, tmp_path: Path
) -> None:
    answer = reseen("data", "synth", tmp_path / "people", option, value)

    assert answer.code == 2
    assert well_told(answer)
    assert not (tmp_path / "people").exists()


def test_synth_leaves_a_folder_with_files_alone(reseen: Reseen, well_told: WellTold, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")

    answer = reseen("data", "synth", tmp_path, *PLAN)

    assert answer.code == 2
    assert well_told(answer)
    assert files(tmp_path) == {"letter.txt": b"dear"}
