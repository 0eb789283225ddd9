from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reseen.datasets import image_files
from reseen.datasets.image_files import ImageFiles, load_images
from reseen.errors import DatasetError, ImageError

WriteImages = Callable[..., list[Path]]


def pillow_resized(path: Path, height: int, width: int) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB").resize((width, height), Image.Resampling.BILINEAR))


def all_of(files: ImageFiles) -> np.ndarray:
    return files.read(np.arange(len(files.paths)))


def test_images_of_one_small_size_keep_it(write_images: WriteImages) -> None:
    paths = write_images("c.png", "a.png", "b.png", size=(12, 6))
    images = all_of(ImageFiles.of(paths, 16, 8))
    np.testing.assert_array_equal(images, np.stack([np.asarray(Image.open(path)) for path in paths]))
    assert images.dtype == np.uint8


@pytest.mark.parametrize("size", [(17, 8), (16, 9), (40, 30)])
def test_images_of_one_size_larger_than_the_recipes_are_shrunk_to_it(
    write_images: WriteImages, size: tuple[int, int]
) -> None:
    paths = write_images("a.png", "b.png", size=size)
    images = all_of(ImageFiles.of(paths, 16, 8))
    np.testing.assert_array_equal(images, np.stack([pillow_resized(path, 16, 8) for path in paths]))


def test_images_of_mixed_sizes_are_resized_as_pillow_does(write_images: WriteImages) -> None:
    paths = write_images("tiny.png", size=(20, 40)) + write_images("same.png", size=(64, 32))
    paths += write_images("huge.png", size=(900, 2000))
    images = all_of(ImageFiles.of(paths, 64, 32))
    np.testing.assert_array_equal(images, np.stack([pillow_resized(path, 64, 32) for path in paths]))


def test_images_are_read_in_the_order_asked_for_and_as_often(write_images: WriteImages) -> None:
    files = ImageFiles.of(write_images("a.png", "b.png", "c.png"), 16, 8)
    places = np.array([2, 0, 2])
    np.testing.assert_array_equal(files.read(places), all_of(files)[places])


def test_the_memory_they_take_is_known_before_anything_is_decoded(
    write_images: WriteImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "decode_image", lambda _: pytest.fail("an image was decoded"))
    files = ImageFiles.of(write_images("a.png", "b.png", size=(16, 8)), 64, 32)
    assert files.decoded_bytes == 2 * 16 * 8 * 3


def test_a_broken_image_is_an_error_that_names_it(write_images: WriteImages) -> None:
    paths = write_images("a.png", "b.png", "c.png")
    paths[1].write_bytes(paths[1].read_bytes()[:-40])
    files = ImageFiles.of(paths, 16, 8)
    with pytest.raises(ImageError) as caught:
        all_of(files)
    assert str(paths[1]) in caught.value.what


def test_no_images_are_an_error() -> None:
    with pytest.raises(DatasetError, match="no image"):
        ImageFiles.of([], 16, 8)


def test_market1501_keeps_its_own_size(market1501: Path) -> None:
    paths = sorted((market1501 / "query").glob("*.jpg"))[::200]
    images = all_of(ImageFiles.of(paths, 256, 128))
    np.testing.assert_array_equal(images, np.stack([np.asarray(Image.open(path)) for path in paths]))


def test_the_images_are_in_the_order_of_their_paths(write_images: WriteImages) -> None:
    paths = write_images("c.png", "a.png", "b.png")
    pixels = load_images(ImageFiles.of(paths, 16, 8))
    np.testing.assert_array_equal(pixels, np.stack([np.asarray(Image.open(path)) for path in paths]))


def test_the_number_of_threads_does_not_change_the_images(write_images: WriteImages) -> None:
    files = ImageFiles.of(write_images(*(f"{number}.png" for number in range(150))), 16, 8)
    told: list[tuple[int, int]] = []
    one = load_images(files, threads=1)
    four = load_images(files, threads=4, progress=lambda *now: told.append(now))
    np.testing.assert_array_equal(one, four)
    assert told[-1] == (150, 150)


def test_p11_they_take_as_much_memory_as_was_told(write_images: WriteImages) -> None:
    files = ImageFiles.of(write_images("a.png", size=(40, 10)) + write_images("b.png"), 16, 8)
    assert load_images(files).nbytes == files.decoded_bytes


def test_loading_a_broken_image_is_an_error_that_names_it(write_images: WriteImages) -> None:
    paths = write_images("a.png", "b.png", "c.png")
    paths[1].write_bytes(paths[1].read_bytes()[:-40])
    with pytest.raises(ImageError) as caught:
        load_images(ImageFiles.of(paths, 16, 8))
    assert str(paths[1]) in caught.value.what
