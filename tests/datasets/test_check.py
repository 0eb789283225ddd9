from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from reseen.datasets.check import check
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest, Sample, Split
from reseen.datasets.report import Duplicates, Part, Sizes, SkippedQuery
from reseen.scores.matches import SkipReason

WriteImages = Callable[..., list[Path]]
TRAIN: tuple[Split, ...] = ("train",)
QUERY: tuple[Split, ...] = ("query",)
GALLERY: tuple[Split, ...] = ("gallery",)


def manifest(*samples: tuple[Path, str, str | None, Split | None]) -> Manifest:
    return Manifest(
        "test", Path("root"), tuple(Sample(path, person, camera, split) for path, person, camera, split in samples)
    )


def test_counts_of_every_part(write_images: WriteImages) -> None:
    paths = write_images(*(f"{number}.png" for number in range(8)))
    persons = ("1", "1", "2", "3", "3", DISTRACTOR_NAME, DISTRACTOR_NAME, JUNK_NAME)
    splits = TRAIN * 3 + QUERY + GALLERY * 4
    told: list[tuple[int, int]] = []
    report = check(
        manifest(*zip(paths, persons, "12312312", splits, strict=True)), progress=lambda *now: told.append(now)
    )
    assert report.parts == (
        Part("train", images=3, persons=2, distractors=0, junk=0),
        Part("query", images=1, persons=1, distractors=0, junk=0),
        Part("gallery", images=3, persons=1, distractors=2, junk=1),
    )
    assert report.cameras == ("1", "2", "3")
    assert report.files == 8
    assert told[-1] == (8, 8)
    assert (report.broken, report.duplicates, report.overlap, report.skipped) == ((), (), (), ())


def test_a_part_that_is_missing_counts_nothing(write_images: WriteImages) -> None:
    (path,) = write_images("a.png")
    parts = check(manifest((path, "1", None, "train"))).parts
    assert [(part.split, part.images) for part in parts] == [("train", 1), ("query", 0), ("gallery", 0)]


def test_a_dataset_without_parts_is_counted_whole(write_images: WriteImages) -> None:
    paths = write_images("a.png", "b.png", "c.png")
    report = check(manifest(*((path, person, None, None) for path, person in zip(paths, "112", strict=True))))
    assert report.parts == (Part(None, images=3, persons=2, distractors=0, junk=0),)
    assert report.overlap == ()
    assert report.skipped == (SkippedQuery(str(paths[2]), "2", SkipReason.NOT_IN_GALLERY),)


def test_persons_named_0000_are_persons_in_training(write_images: WriteImages) -> None:
    (path,) = write_images("a.png")
    assert check(manifest((path, DISTRACTOR_NAME, None, "train"))).parts[0] == Part("train", 1, 1, 0, 0)


def test_broken_files_are_named_with_the_reason(tmp_path: Path, write_images: WriteImages) -> None:
    good, truncated, empty = write_images("good.png", "truncated.png", "empty.png")
    truncated.write_bytes(truncated.read_bytes()[:-40])
    empty.write_bytes(b"")
    missing = tmp_path / "missing.png"
    report = check(manifest(*((path, "1", None, None) for path in (truncated, good, empty, missing))))
    assert [file.path for file in report.broken] == [str(truncated), str(empty), str(missing)]
    assert [file.reason for file in report.broken[1:]] == [
        f"{empty} is empty (0 bytes)",
        f"{missing} cannot be read (No such file or directory)",
    ]
    assert report.sizes == Sizes(16, 16, 8, 8, different=1)


def test_sizes_are_those_of_the_whole_files(write_images: WriteImages) -> None:
    paths = write_images("a.png", size=(20, 40)) + write_images("b.png", "c.png", size=(30, 10))
    assert check(manifest(*((path, "1", None, None) for path in paths))).sizes == Sizes(20, 30, 10, 40, different=2)


def test_duplicates_are_found_by_content(tmp_path: Path, write_images: WriteImages) -> None:
    first, other = write_images("a.png", "b.png")
    second, third = (Path(shutil.copy(first, tmp_path / name)) for name in ("c.png", "d.png"))
    report = check(
        manifest(
            (first, "1", None, "train"),
            (other, "1", None, "train"),
            (second, "1", None, "query"),
            (third, "2", None, "query"),
        )
    )
    assert report.duplicates == (
        Duplicates((str(first), str(second), str(third)), splits=("query", "train"), persons=("1", "2")),
    )


def test_an_image_in_two_parts_is_one_file_and_no_duplicate(write_images: WriteImages) -> None:
    (path,) = write_images("a.png")
    report = check(manifest((path, "1", None, "query"), (path, "1", None, "gallery")))
    assert report.files == 1
    assert report.duplicates == ()
    assert report.one_image == ("1",)


def test_persons_with_one_image_or_one_camera_are_named_over_all_parts(write_images: WriteImages) -> None:
    paths = write_images(*(f"{number}.png" for number in range(9)))
    persons = (
        "two cameras",
        "two cameras",
        "one camera",
        "one camera",
        "one image",
        "unknown",
        "unknown",
        DISTRACTOR_NAME,
        JUNK_NAME,
    )
    cameras = ("1", "2", "1", "1", "2", None, None, "1", "1")
    splits = QUERY + GALLERY + QUERY + GALLERY * 6
    report = check(manifest(*zip(paths, persons, cameras, splits, strict=True)))
    assert report.one_image == ("one image",)
    assert report.one_camera == ("one camera", "one image")


def test_persons_in_training_and_evaluation_are_named(write_images: WriteImages) -> None:
    paths = write_images(*(f"{number}.png" for number in range(6)))
    persons = ("a", "b", DISTRACTOR_NAME, "b", "c", DISTRACTOR_NAME)
    splits = TRAIN * 3 + GALLERY + QUERY + GALLERY
    assert check(manifest(*zip(paths, persons, "111111", splits, strict=True))).overlap == ("b",)


def test_every_file_of_market1501_is_whole_and_every_query_has_a_match(market1501: Path) -> None:
    program = (  # run in an interpreter of its own: checking types would slow the 36,036 files down
        "import json, pathlib, sys\n"
        "from reseen.datasets.check import check\n"
        "from reseen.datasets.open import open_dataset\n"
        "print(json.dumps(check(open_dataset(pathlib.Path(sys.argv[1]))).to_dict()))"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(market1501)]
    report = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=300).stdout)
    assert report["parts"] == [
        {"split": "train", "images": 12_936, "persons": 751, "distractors": 0, "junk": 0},
        {"split": "query", "images": 3_368, "persons": 750, "distractors": 0, "junk": 0},
        {"split": "gallery", "images": 15_913, "persons": 750, "distractors": 2_798, "junk": 3_819},
    ]
    assert report["files"] == 36_036
    assert report["sizes"] == {
        "smallest_height": 128, "largest_height": 128, "smallest_width": 64, "largest_width": 64, "different": 1,
    }  # fmt: skip
    assert report["cameras"] == list("123456")
    for finding in ("broken", "duplicates", "overlap", "skipped", "one_image", "one_camera"):
        assert report[finding] == []
