from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reseen.datasets.open import open_dataset, open_datasets
from reseen.errors import DatasetError, UsageError

WriteImages = Callable[..., list[Path]]


@pytest.mark.parametrize("above", ["", "..", "../.."])
def test_market1501_is_opened_from_its_folder_and_from_above(
    tmp_path: Path, write_images: WriteImages, above: str
) -> None:
    root = "market1501/Market-1501-v15.09.15"
    write_images(
        f"{root}/bounding_box_train/0002_c1s1_000451_03.jpg",
        f"{root}/query/0001_c1s1_001051_00.jpg",
        f"{root}/bounding_box_test/0001_c2s1_000301_01.jpg",
    )
    dataset = open_dataset((tmp_path / root / above).resolve())
    assert dataset.name == "Market-1501"
    assert dataset.root == tmp_path / root
    assert len(dataset.samples) == 3


def test_a_manifest_is_opened_by_its_name_or_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text("path,person\n1.jpg,7\n")
    assert open_dataset(path).samples == open_dataset(tmp_path).samples
    assert open_dataset(path).root == path


def test_the_folder_that_one_is_in_has_its_own_name(
    tmp_path: Path, write_images: WriteImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images("ann/1.jpg")
    monkeypatch.chdir(tmp_path)
    assert open_dataset(Path()).name == tmp_path.name
    (tmp_path / "manifest.csv").write_text("path,person\n1.jpg,7\n")
    assert open_dataset(Path()).name == open_dataset(Path("manifest.csv")).name == tmp_path.name


def test_several_datasets_have_different_names_and_none_is_called_like_their_mean(
    tmp_path: Path, write_images: WriteImages
) -> None:
    write_images("a/people/ann/1.jpg", "b/people/ann/1.jpg", "mean/ann/1.jpg")
    datasets = open_datasets([tmp_path / "a/people", tmp_path / "b/people", tmp_path / "mean"], "--data")
    assert [each.name for each in datasets] == ["people", "people-2", "mean-2"]
    assert [each.name for each in open_datasets([tmp_path / "mean"], "--data")] == ["mean"]


def test_a_dataset_given_twice_is_refused(tmp_path: Path, write_images: WriteImages) -> None:
    write_images("ann/1.jpg")
    with pytest.raises(UsageError, match="given twice"):
        open_datasets([tmp_path, tmp_path], "--data")


def test_a_folder_of_folders_is_opened_as_persons(tmp_path: Path, write_images: WriteImages) -> None:
    write_images("a/1.jpg", "b/1.jpg")
    assert [sample.person for sample in open_dataset(tmp_path).samples] == ["a", "b"]


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="none does not exist") as caught:
        open_dataset(tmp_path / "none")
    assert "Market-1501" in (caught.value.expected or "")


def test_a_device_is_an_error_that_does_not_call_it_missing() -> None:
    with pytest.raises(DatasetError, match="/dev/null is neither a file nor a folder"):
        open_dataset(Path("/dev/null"))


def test_a_path_that_no_file_can_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        open_dataset(tmp_path / ("x" * 300))
    assert caught.value.got == "File name too long"


def test_a_wrong_folder_is_an_error_that_shows_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "thesis.pdf").touch()
    with pytest.raises(DatasetError) as caught:
        open_dataset(tmp_path)
    assert caught.value.got == "thesis.pdf"


def test_a_file_that_is_no_manifest_is_an_error(tmp_path: Path, write_images: WriteImages) -> None:
    with pytest.raises(DatasetError, match="not a manifest"):
        open_dataset(write_images("a.jpg")[0])


def test_a_path_may_be_text_and_what_was_read_before_is_returned(tmp_path: Path, write_images: WriteImages) -> None:
    write_images("ann/1.jpg")
    manifest = open_dataset(str(tmp_path))

    assert open_dataset(tmp_path) == manifest
    assert open_dataset(manifest) is manifest
    assert open_datasets(str(tmp_path), "--data") == open_datasets([manifest], "--data") == (manifest,)
