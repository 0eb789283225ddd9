from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reseen.datasets.folders import read_folders
from reseen.datasets.manifest import Sample
from reseen.errors import DatasetError

WriteImages = Callable[..., list[Path]]


def test_a_folder_is_a_person(tmp_path: Path, write_images: WriteImages) -> None:
    bob, alice2, alice1 = write_images("bob/x.jpg", "alice/2.png", "alice/1.jpg")
    dataset = read_folders(tmp_path)
    assert dataset.samples == (Sample(alice1, "alice"), Sample(alice2, "alice"), Sample(bob, "bob"))
    assert dataset.name == tmp_path.name
    assert not dataset.has_splits


def test_folders_of_parts_hold_folders_of_persons(tmp_path: Path, write_images: WriteImages) -> None:
    gallery, query, train = write_images("gallery/b/1.jpg", "query/b/2.jpg", "train/a/1.jpg")
    write_images("val/c/1.jpg")
    assert read_folders(tmp_path).samples == (
        Sample(train, "a", split="train"),
        Sample(query, "b", split="query"),
        Sample(gallery, "b", split="gallery"),
    )


def test_what_is_no_image_is_passed_over(tmp_path: Path, write_images: WriteImages) -> None:
    (image,) = write_images("a/1.jpg")
    (tmp_path / "nobody").mkdir()
    for name in ("readme.txt", ".DS_Store", "a/2.heic", "a/.hidden.jpg", "a/notes.txt"):
        (tmp_path / name).touch()
    manifest = read_folders(tmp_path)
    assert manifest.samples == (Sample(image, "a"),)
    assert manifest.passed_over == tuple(tmp_path / name for name in ("readme.txt", "a/2.heic", "a/notes.txt"))


def test_a_folder_of_photos_that_are_not_read_says_what_is(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "1.heic").touch()
    with pytest.raises(DatasetError, match="holds no image") as caught:
        read_folders(tmp_path)
    assert ".jpeg, .jpg" in str(caught.value.cure)


def test_an_image_beside_the_persons_is_an_error(tmp_path: Path, write_images: WriteImages) -> None:
    _, stray = write_images("a/1.jpg", "stray.jpg")
    with pytest.raises(DatasetError, match="names no person") as caught:
        read_folders(tmp_path)
    assert caught.value.got == str(stray)
    assert caught.value.expected == f"{tmp_path}/PERSON/stray.jpg"


def test_a_folder_inside_a_person_is_an_error(tmp_path: Path, write_images: WriteImages) -> None:
    write_images("dataset/a/1.jpg", "dataset/b/1.jpg")
    with pytest.raises(DatasetError, match="not a person's folder") as caught:
        read_folders(tmp_path)
    assert caught.value.got == "a/, b/"


def test_an_empty_part_is_an_error(tmp_path: Path, write_images: WriteImages) -> None:
    write_images("train/a/1.jpg", "query/b/1.jpg")
    (tmp_path / "gallery").mkdir()
    with pytest.raises(DatasetError) as caught:
        read_folders(tmp_path)
    assert caught.value.what == f"{tmp_path / 'gallery'} holds no image"
    assert caught.value.got == "an empty folder"


def test_a_folder_without_images_is_an_error_that_shows_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DatasetError) as caught:
        read_folders(tmp_path)
    assert caught.value.got == "notes.txt"
    assert caught.value.cure
