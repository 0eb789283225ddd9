from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Sample
from reseen.datasets.market1501 import FOLDERS, find_market1501, read_market1501
from reseen.errors import DatasetError

WriteImages = Callable[..., list[Path]]
NAMES = (
    "bounding_box_train/0002_c1s1_000451_03.jpg",
    "query/0001_c6s3_001234_00.jpg",
    "bounding_box_test/0001_c2s1_000301_01.jpg",
    "bounding_box_test/0000_c1s1_000151_01.jpg",
    "bounding_box_test/-1_c3s2_000401_03.jpg",
)


def make_folders(root: Path) -> Path:
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    return root


def test_names_tell_person_camera_and_time(tmp_path: Path, write_images: WriteImages) -> None:
    train, query, match, distractor, junk = write_images(*NAMES)
    assert read_market1501(tmp_path).samples == (
        Sample(train, "0002", camera="1", split="train", time="s1_000451"),
        Sample(query, "0001", camera="6", split="query", time="s3_001234"),
        Sample(junk, JUNK_NAME, camera="3", split="gallery", time="s2_000401"),
        Sample(distractor, DISTRACTOR_NAME, camera="1", split="gallery", time="s1_000151"),
        Sample(match, "0001", camera="2", split="gallery", time="s1_000301"),
    )


@pytest.mark.parametrize(
    "name",
    ["0002_c1s1_000451_03.jpg.jpg", "0002_c1s1_000451_03.png", "0002_c1s1_000451_03.JPG", "0002_c1s1_000451_03.jpeg"],
)
def test_other_endings_seen_in_the_wild_are_read(tmp_path: Path, write_images: WriteImages, name: str) -> None:
    write_images(*NAMES, f"query/{name}")
    assert [sample.path.name for sample in read_market1501(tmp_path).split("query")] == [Path(NAMES[1]).name, name]


def test_what_is_no_image_is_passed_over(tmp_path: Path, write_images: WriteImages) -> None:
    write_images(*NAMES, "gt_bbox/any.jpg", "gt_query/0001_c1s1_000001_00_good.jpg", "query/.hidden.jpg")
    for name in ("query/Thumbs.db", "bounding_box_train.txt", "generate_anno.py", "readme.txt"):
        (tmp_path / name).touch()
    assert len(read_market1501(tmp_path).samples) == len(NAMES)


@pytest.mark.parametrize(
    "name",
    [
        "holiday.jpg",
        "0002_c7s1_000451_03.jpg",
        "0002_c0s1_000451_03.jpg",
        "12_c1s1_000451_03.jpg",
        "0002_c1s1_000451.jpg",
    ],
)
def test_an_image_with_another_name_is_an_error_that_names_it(
    tmp_path: Path, write_images: WriteImages, name: str
) -> None:
    (path,) = write_images(*NAMES, f"bounding_box_test/{name}")[-1:]
    with pytest.raises(DatasetError) as caught:
        read_market1501(tmp_path)
    assert str(path) in caught.value.what
    assert "0002_c1s1_000451_03.jpg" in (caught.value.expected or "")


def test_a_missing_folder_is_an_error_that_shows_what_is_there(tmp_path: Path, write_images: WriteImages) -> None:
    write_images(*NAMES[:1])
    with pytest.raises(DatasetError, match="query does not exist") as caught:
        read_market1501(tmp_path)
    assert caught.value.got == "bounding_box_train/"


def test_an_empty_folder_is_an_error(tmp_path: Path, write_images: WriteImages) -> None:
    write_images(*NAMES[:1])
    (tmp_path / "query").mkdir()
    with pytest.raises(DatasetError, match="query holds no image"):
        read_market1501(tmp_path)


def test_one_without_training_images_is_for_evaluation(tmp_path: Path, write_images: WriteImages) -> None:
    write_images(*NAMES[1:])
    assert find_market1501(tmp_path) == tmp_path
    dataset = read_market1501(tmp_path)
    assert dataset.has_splits
    assert [len(dataset.split(split)) for split in FOLDERS.values()] == [0, 1, 2]


def test_one_without_queries_is_no_folder_of_persons(tmp_path: Path, write_images: WriteImages) -> None:
    write_images(*NAMES[2:])
    assert find_market1501(tmp_path) == tmp_path
    with pytest.raises(DatasetError, match="query does not exist"):
        read_market1501(tmp_path)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Market-1501-v15.09.15", "Market-1501"),
        ("own/market1501", "Market-1501"),
        ("syn", "syn"),
        ("market/syn", "syn"),
    ],
)
def test_the_layout_alone_makes_no_market1501(
    tmp_path: Path, write_images: WriteImages, folder: str, name: str
) -> None:
    write_images(*(f"{folder}/{image}" for image in NAMES))
    assert read_market1501(tmp_path / folder).name == name


def test_the_folder_that_one_is_in_has_its_own_name(
    tmp_path: Path, write_images: WriteImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(*NAMES)
    monkeypatch.chdir(tmp_path)
    assert read_market1501(Path()).name == read_market1501(tmp_path).name == tmp_path.name


@pytest.mark.parametrize("above", ["", "Market-1501-v15.09.15", "market1501/Market-1501-v15.09.15"])
def test_it_is_found_up_to_two_levels_down(tmp_path: Path, above: str) -> None:
    root = make_folders(tmp_path / above)
    (tmp_path / "other").mkdir()
    assert find_market1501(tmp_path) == root


def test_it_is_not_found_three_levels_down(tmp_path: Path) -> None:
    make_folders(tmp_path / "a" / "b" / "c")
    assert find_market1501(tmp_path) is None


def test_two_of_them_are_an_error_that_names_both(tmp_path: Path) -> None:
    roots = [make_folders(tmp_path / name) for name in ("a", "b")]
    with pytest.raises(DatasetError) as caught:
        find_market1501(tmp_path)
    assert all(str(root) in (caught.value.got or "") for root in roots)


def test_the_real_dataset_holds_the_published_counts(market1501: Path) -> None:
    dataset = read_market1501(market1501)
    train, query, gallery = (dataset.split(split) for split in ("train", "query", "gallery"))
    assert dataset.name == "Market-1501"
    assert len(train) == 12_936
    assert len(query) == 3_368
    assert len(gallery) == 15_913
    assert len(dataset.junk) == 3_819
    assert sum(sample.person == DISTRACTOR_NAME for sample in gallery) == 2_798
    assert [len({sample.person for sample in part} - {DISTRACTOR_NAME}) for part in (train, query, gallery)] == [
        751,
        750,
        750,
    ]
    assert {sample.camera for sample in dataset.samples} == set("123456")
