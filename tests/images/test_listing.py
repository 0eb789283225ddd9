from __future__ import annotations

from pathlib import Path

import pytest

from reseen.errors import DatasetError
from reseen.images import listing
from reseen.images.listing import describe_folder, entries, image_files, is_image


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_entries_are_sorted_and_hidden_ones_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "b", "a", ".DS_Store", "C")
    assert [entry.name for entry in entries(tmp_path)] == ["C", "a", "b"]


def test_images_are_known_by_their_names(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a.webp", "Thumbs.db", "list.txt", "._b.jpg")
    assert [path.name for path in image_files(tmp_path)] == ["a.webp", "b.JPG"]
    assert is_image(Path("a.jpg.png"))
    assert not is_image(Path("jpg"))


def test_a_folder_is_described_by_its_first_entries(tmp_path: Path) -> None:
    assert describe_folder(tmp_path) == "an empty folder"
    touch(tmp_path, "a.jpg", "b.jpg", "d.jpg")
    (tmp_path / "c").mkdir()
    assert describe_folder(tmp_path) == "a.jpg, b.jpg, c/, d.jpg"
    assert describe_folder(tmp_path, most=2) == "a.jpg, b.jpg and 2 more"


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="none cannot be read"):
        entries(tmp_path / "none")


def test_p11_a_folder_is_read_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a", "b", "c")
    monkeypatch.setattr(listing, "MAX_ENTRIES", 3)
    assert len(entries(tmp_path)) == 3
    monkeypatch.setattr(listing, "MAX_ENTRIES", 2)
    with pytest.raises(DatasetError, match="too many files"):
        entries(tmp_path)
