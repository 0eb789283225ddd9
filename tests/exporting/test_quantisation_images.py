"""What is quantised on is not what is measured on, and both are bounded and always the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reseen.datasets.open import open_dataset
from reseen.errors import DatasetError, ImageError
from reseen.exporting import quantisation_images
from reseen.exporting.quantisation_images import FEWEST, QuantisationImages, read_quantisation_images
from reseen.images.decode import decode_image
from reseen.images.preprocess import Preprocess

SIZE = Preprocess(height=32, width=16)


@pytest.fixture
def crops(people: Path, tmp_path: Path) -> Path:
    """40 crops in folders of folders, not by person."""
    folder = tmp_path / "crops"
    for number, sample in enumerate(open_dataset(people).split("train")):
        place = folder / f"day{number % 2}" / "door"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample.path, place / f"{number}.jpg")
    return folder


def resized(paths: tuple[Path, ...] | list[Path]) -> set[bytes]:
    """The pixels of images at the preprocess size, made here."""
    return {
        np.asarray(Image.open(path).resize((SIZE.width, SIZE.height), Image.Resampling.BILINEAR)).tobytes()
        for path in paths
    }


def pixels_of(images: QuantisationImages) -> set[bytes]:
    return {pixels.tobytes() for pixels in images.quantise}


def test_a_dataset_is_quantised_on_its_training_images_and_measured_on_its_people(people: Path) -> None:
    manifest, images = open_dataset(people), read_quantisation_images(people, SIZE)

    assert pixels_of(images) == resized([sample.path for sample in manifest.split("train")])
    assert images.people is not None
    query, gallery = (
        {sample.path for sample in manifest.split(part) if sample.person != "0000"} for part in ("query", "gallery")
    )
    assert {sample.path for sample in images.people.query} == query
    assert {sample.path for sample in images.people.gallery} == gallery
    assert images.measured == images.people.paths
    assert len({sample.person for sample in images.people.query}) == 9


def test_without_training_images_other_people_of_the_gallery_are_quantised_on(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = [each for each in open_dataset(people).samples if each.split != "train"]
    table = tmp_path / "tested.csv"
    rows = [f"{each.path},{each.person},{each.camera},{each.split}" for each in tested]
    table.write_text("\n".join(["path,person,camera,split", *rows]))
    monkeypatch.setattr(quantisation_images, "MEASURED", 22)
    monkeypatch.setattr(quantisation_images, "FEWEST", 5)

    images = read_quantisation_images(table, SIZE)

    assert images.people is not None
    measured = {path.name[:4] for path in images.measured}
    assert len(measured) == len({sample.person for sample in images.people.query}) == 5
    others = [s.path for s in open_dataset(table).split("gallery") if s.person not in measured]
    assert pixels_of(images) == resized(others)


def test_a_folder_of_crops_is_halved(crops: Path) -> None:
    images = read_quantisation_images(crops, SIZE)
    every = set(crops.rglob("*.jpg"))
    assert images.people is None
    assert len(images.measured) == len(every) // 2
    assert set(images.measured) <= every
    assert pixels_of(images) == resized(list(every - set(images.measured)))


def test_folders_by_person_without_query_and_gallery_are_halved_too(people: Path, tmp_path: Path) -> None:
    for sample in open_dataset(people).split("train"):
        (tmp_path / "by_person" / sample.person).mkdir(parents=True, exist_ok=True)
        shutil.copy(sample.path, tmp_path / "by_person" / sample.person)
    images = read_quantisation_images(tmp_path / "by_person", SIZE)
    assert images.people is None
    assert len(images.quantise) == len(images.measured) == 16


def test_no_more_than_so_many_are_taken(crops: Path, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisation_images, "QUANTISED", 11)
    monkeypatch.setattr(quantisation_images, "MEASURED", 12)
    unlabelled, labelled = (read_quantisation_images(path, SIZE) for path in (crops, people))
    assert (len(unlabelled.quantise), len(unlabelled.measured)) == (11, 12)
    assert len(labelled.quantise) == 11
    assert labelled.people is not None
    assert len({sample.person for sample in labelled.people.query}) == quantisation_images.FEWEST_PEOPLE


@pytest.mark.parametrize("kind", ["crops", "people"])
def test_the_same_images_are_drawn_every_time(kind: str, request: pytest.FixtureRequest) -> None:
    one, other = (read_quantisation_images(request.getfixturevalue(kind), SIZE) for _ in range(2))
    np.testing.assert_array_equal(one.quantise, other.quantise)
    assert one.measured == other.measured


def test_measured_images_come_in_batches_in_their_order(people: Path) -> None:
    images = read_quantisation_images(people, SIZE)
    batches = list(images.batches())
    assert max(map(len, batches)) == quantisation_images.BATCH < len(images.measured)
    first = decode_image(images.measured[0])
    wanted = np.asarray(Image.fromarray(first).resize((16, 32), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(batches[0][0], wanted)
    assert sum(map(len, batches)) == len(images.measured)


def test_too_few_images_are_an_error(crops: Path) -> None:
    paths = sorted(crops.rglob("*.jpg"))
    for path in paths[2 * FEWEST - 1 :]:
        path.unlink()
    with pytest.raises(DatasetError, match="too few images") as error:
        read_quantisation_images(crops, SIZE)
    assert error.value.got == f"{FEWEST - 1} to quantise on, {FEWEST} to measure on"


def test_too_few_people_are_an_error(people: Path, tmp_path: Path) -> None:
    shutil.copytree(people, tmp_path / "people")
    query = tmp_path / "people" / "query"
    keep = sorted({path.name[:4] for path in query.glob("*.jpg")})[:4]
    for path in query.glob("*.jpg"):
        if path.name[:4] not in keep:
            path.unlink()
    with pytest.raises(DatasetError, match="too few people") as error:
        read_quantisation_images(tmp_path / "people", SIZE)
    assert error.value.got == "4"


@pytest.mark.parametrize("name", ["nothing here", "empty"])
def test_no_image_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError):
        read_quantisation_images(tmp_path / name, SIZE)


def test_a_dataset_that_lacks_a_part_is_not_taken_for_a_folder_of_crops(people: Path, tmp_path: Path) -> None:
    shutil.copytree(people, tmp_path / "people")
    for path in (tmp_path / "people" / "query").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="query"):
        read_quantisation_images(tmp_path / "people", SIZE)


def test_a_table_that_cannot_be_read_is_not_taken_for_a_folder_of_crops(crops: Path) -> None:
    (crops / "manifest.csv").write_text("path,nobody\n")
    with pytest.raises(DatasetError, match=r"manifest\.csv"):
        read_quantisation_images(crops, SIZE)


def test_a_broken_image_is_named(crops: Path) -> None:
    for path in crops.rglob("*.jpg"):
        path.write_bytes(b"broken")
    with pytest.raises(ImageError, match=r"\.jpg is not an image"):
        read_quantisation_images(crops, SIZE)
