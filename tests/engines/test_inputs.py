from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reseen.engines.inputs import inputs_of
from reseen.errors import DatasetError, ImageError, UsageError
from reseen.images.decode import MAX_PIXELS


def encoded(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_every_kind_of_image_gives_the_same_pixels(pictures: list[np.ndarray], tmp_path: Path) -> None:
    pixels = pictures[2]
    path = tmp_path / "a.png"
    path.write_bytes(encoded(pixels))

    found = inputs_of([path, str(path), path.read_bytes(), Image.fromarray(pixels), pixels])

    assert [each.name for each in found] == [str(path), str(path), "image 2", "image 3", "image 4"]
    for each in found:
        np.testing.assert_array_equal(each.decode(), pixels)


def test_a_picture_may_be_shared_by_threads(pictures: list[np.ndarray]) -> None:
    content = encoded(pictures[2])
    for _ in range(50):
        shared = inputs_of([Image.open(BytesIO(content))])[0]
        with ThreadPoolExecutor(8) as pool:
            for found in pool.map(lambda _, shared=shared: np.asarray(shared.decode()), range(8)):
                np.testing.assert_array_equal(found, pictures[2])


def test_one_image_needs_no_list(pictures: list[np.ndarray]) -> None:
    assert [each.name for each in inputs_of(pictures[0])] == ["image 0"]


def test_no_images_are_no_inputs() -> None:
    assert inputs_of([]) == []


def test_a_folder_stands_for_the_images_in_it_and_below_by_name(tmp_path: Path) -> None:
    for name in ("b.jpg", "a/2.PNG", "a/1.jpg", "c/deep/x.webp", "a.jpg", "notes.txt", ".hidden.jpg", ".git/x.jpg"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "c" / "circle").symlink_to(tmp_path)

    names = [Path(each.name).relative_to(tmp_path).as_posix() for each in inputs_of([tmp_path])]

    assert names == ["a/1.jpg", "a/2.PNG", "a.jpg", "b.jpg", "c/deep/x.webp"]


def test_a_folder_without_images_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no image in"):
        inputs_of(tmp_path)


def test_a_file_that_does_not_exist_is_told_when_it_is_read(tmp_path: Path) -> None:
    (missing,) = inputs_of(tmp_path / "missing.jpg")

    with pytest.raises(ImageError, match=r"missing\.jpg cannot be read"):
        missing.decode()


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((8, 4, 3), dtype=np.float32),
        np.zeros((8, 4, 3), dtype=np.uint16),
        np.zeros((8, 4), dtype=np.uint8),
        np.zeros((8, 4, 4), dtype=np.uint8),
        np.zeros((3, 8, 4), dtype=np.uint8),
        np.zeros((2, 8, 4, 3), dtype=np.uint8),
        np.zeros((0, 4, 3), dtype=np.uint8),
        np.broadcast_to(np.uint8(0), (MAX_PIXELS, 2, 3)),
    ],
)
def test_an_array_of_another_type_or_shape_is_no_image(pixels: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"image 0 (is not an image|has too many pixels)"):
        inputs_of(pixels)[0].decode()


def test_what_is_no_image_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="image 1 has no name"):
        inputs_of(["a.jpg", ""])
    with pytest.raises(UsageError, match="image 1 cannot be embedded"):
        inspect.unwrap(inputs_of)([b"", 7])  # without the type checker of the tests, as users call it
