"""docs/tutorial.md, followed from top to bottom, and every error that it explains."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from reseen.cli.app import main
from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

Blocks = Callable[[str], list[tuple[str, str]]]
PERSONS = ("anna", "ben", "carl", "dora", "emil", "fay", "gus", "hana")
PLACES = {"1": "hall", "2": "yard"}
SIDEWAYS, UPRIGHT = 6, 1
ORIENTATION = 0x0112
SHORT = " -o training.epochs=1 -o sampler.persons=2 -o sampler.images_per_person=2"
"""Added to every training command: eight people are fewer than the twenty that the page asks for."""
QUICK = ("train", "-c", "tiny", "--data", "people", "--output", "runs/first", *SHORT.split())


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`people`, as the page asks for it: crops of all sizes, some lying on their side as phones store them."""
    folder = tmp_path_factory.mktemp("photos")
    plan = Plan(persons=8, test_persons=2, cameras=2, images_per_camera=3, distractors=0, junk=0, height=64, width=32)
    drawn = synthesise(folder / "drawn", plan).split("train")
    names = dict(zip(sorted({sample.person for sample in drawn}), PERSONS, strict=True))
    for number, sample in enumerate(drawn):
        image = Image.open(sample.path).resize((60 + 7 * (number % 9), 130 + 11 * (number % 7)))
        exif = Image.Exif()
        exif[ORIENTATION] = SIDEWAYS if number % 3 == 0 else UPRIGHT
        stored = image.transpose(Image.Transpose.ROTATE_90) if number % 3 == 0 else image
        path = folder / "people" / names[sample.person] / f"{PLACES[str(sample.camera)]}_{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        stored.save(path, exif=exif)
    return folder / "people"


@pytest.fixture
def folder(photos: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the reader works: with the photos, and within a checkout, whose weights the page names."""
    shutil.copytree(photos, tmp_path / "people")
    (tmp_path / "weights").symlink_to(repository / "weights")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_can_be_followed_to_the_letter(
    folder: Path, blocks: Blocks, shell: Callable[[str, Path], subprocess.CompletedProcess[str]]
) -> None:
    done = []
    for language, text in blocks("tutorial.md"):
        if language == "python":
            (folder / "table.py").write_text(text, encoding="utf-8")
            assert shell("python table.py", folder).returncode == 0
        for command in text.splitlines() if not language else ():
            run = shell(command + (SHORT if " train " in command else ""), folder)
            assert run.returncode == 0, f"{command}\n{run.stderr}"
            done.append((command, run.stdout))

    out = dict(done)
    assert "all: 48 images of 8 people" in out["reseen data check people"]
    assert "cameras: 2 (hall, yard)" in out["reseen data check people/people.csv"]
    assert {path.name for path in (folder / "runs").iterdir()} == {"first", "scratch", "tuned"}
    assert done[-1][0].startswith("reseen evaluate")
    assert "rank-1" in done[-1][1]


def few(folder: Path) -> None:
    for person in PERSONS[3:]:
        shutil.rmtree(folder / "people" / person)


def photo_outside(folder: Path) -> None:
    next((folder / "people" / "anna").glob("*.jpg")).rename(folder / "people" / "IMG_1001.jpg")


def folder_within(folder: Path) -> None:
    (folder / "people" / "anna" / "June").mkdir()


def damaged(folder: Path) -> None:
    (folder / "people" / "anna" / "hall_1.jpg").write_bytes(b"\xff\xd8\xff\xe0 torn")


def only_heic(folder: Path) -> None:
    for path in (folder / "people").rglob("*.jpg"):
        path.rename(path.with_suffix(".heic"))


def one_place(folder: Path) -> None:
    people = folder / "people"
    rows = [f"{path.relative_to(people)},{path.parent.name},hall" for path in sorted(people.rglob("*.jpg"))]
    (people / "people.csv").write_text("\n".join(["path,person,camera", *rows]), encoding="utf-8")


def trained(folder: Path) -> None:
    reseen(*QUICK)


def nothing(folder: Path) -> None:
    pass


def reseen(*arguments: str) -> int:
    """Run a command in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["reseen", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


PROBLEMS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "Fewer than 16 people to train on": (nothing, ("train", "-c", "tiny", "--data", "people", "--output", "runs/a")),
    "Too few people to hold some out": (few, QUICK),
    "A photo outside a person's folder": (photo_outside, ("data", "check", "people")),
    "A folder within a person's folder": (folder_within, ("data", "check", "people")),
    "A damaged file": (damaged, QUICK),
    "No images at all": (only_heic, ("data", "check", "people")),
    "Everything taken in one place": (one_place, (*QUICK[:4], "people/people.csv", *QUICK[5:])),
    "The output folder is in use": (trained, QUICK),
    "Weights of another recipe": (
        trained,
        (
            *("evaluate", "-c", "tiny", "--weights", "runs/first/checkpoints/best", "--data", "people"),
            *("-o", "preprocess.width=32"),
        ),
    ),
}


def explained(page: str) -> dict[str, str]:
    """The error that each heading of the page is about."""
    return dict(re.findall(r"^### ([^\n]*)\n```text\n(error: .*?)^```", page, re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("heading", PROBLEMS)
def test_an_error_reads_as_the_page_says(
    heading: str, folder: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare, command = PROBLEMS[heading]
    promised = explained((repository / "docs" / "tutorial.md").read_text(encoding="utf-8"))[heading]
    prepare(folder)
    capsys.readouterr()

    assert reseen(*command) != 0

    shown = [re.sub(r"\d+", "N", line) for line in capsys.readouterr().err.splitlines()]
    assert [line for line in re.sub(r"\d+", "N", promised).splitlines() if line not in shown] == []


def test_every_error_of_the_page_is_produced(repository: Path) -> None:
    page = (repository / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert explained(page).keys() == PROBLEMS.keys()


def test_a_photo_that_is_there_twice_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twin = next((folder / "people" / "anna").glob("*.jpg"))
    shutil.copy(twin, folder / "people" / "ben" / "again.jpg")

    reseen("data", "check", "people")

    assert "duplicates: 1 groups of files with the same content" in capsys.readouterr().out
