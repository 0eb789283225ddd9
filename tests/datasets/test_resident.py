from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reseen.datasets import resident
from reseen.datasets.resident import ResidentImages
from reseen.errors import DatasetError, ImageError

WriteImages = Callable[..., list[Path]]
GIGABYTE = 10**9


def pillow_resized(path: Path, height: int, width: int) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB").resize((width, height), Image.Resampling.BILINEAR))


def test_images_of_one_small_size_keep_it(write_images: WriteImages) -> None:
    paths = write_images("c.png", "a.png", "b.png", size=(12, 6))
    images = ResidentImages.load(paths, 16, 8, GIGABYTE)
    np.testing.assert_array_equal(images.pixels, np.stack([np.asarray(Image.open(path)) for path in paths]))
    assert images.pixels.dtype == np.uint8


@pytest.mark.parametrize("size", [(17, 8), (16, 9), (40, 30)])
def test_images_of_one_size_larger_than_the_recipes_are_shrunk_to_it(
    write_images: WriteImages, size: tuple[int, int]
) -> None:
    paths = write_images("a.png", "b.png", size=size)
    images = ResidentImages.load(paths, 16, 8, GIGABYTE)
    np.testing.assert_array_equal(images.pixels, np.stack([pillow_resized(path, 16, 8) for path in paths]))


def test_images_of_mixed_sizes_are_resized_as_pillow_does(write_images: WriteImages) -> None:
    paths = write_images("tiny.png", size=(20, 40)) + write_images("same.png", size=(64, 32))
    paths += write_images("huge.png", size=(900, 2000))
    images = ResidentImages.load(paths, 64, 32, GIGABYTE)
    np.testing.assert_array_equal(images.pixels, np.stack([pillow_resized(path, 64, 32) for path in paths]))


def test_the_number_of_threads_does_not_change_the_images(write_images: WriteImages) -> None:
    paths = write_images(*(f"{number}.png" for number in range(150)))
    told: list[tuple[int, int]] = []
    one = ResidentImages.load(paths, 16, 8, GIGABYTE, threads=1)
    four = ResidentImages.load(paths, 16, 8, GIGABYTE, threads=4, progress=lambda *now: told.append(now))
    np.testing.assert_array_equal(one.pixels, four.pixels)
    assert told[-1] == (150, 150)


def test_a_broken_image_is_an_error_that_names_it(write_images: WriteImages) -> None:
    paths = write_images("a.png", "b.png", "c.png")
    paths[1].write_bytes(paths[1].read_bytes()[:-40])
    with pytest.raises(ImageError) as caught:
        ResidentImages.load(paths, 16, 8, GIGABYTE)
    assert str(paths[1]) in caught.value.what


def test_p11_the_memory_limit_is_checked_before_anything_is_decoded(
    write_images: WriteImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_images("a.png", "b.png", size=(16, 8))
    needed = 2 * 16 * 8 * 3
    assert ResidentImages.load(paths, 16, 8, needed).pixels.nbytes == needed
    monkeypatch.setattr(resident, "decode_image", lambda _: pytest.fail("an image was decoded"))
    with pytest.raises(DatasetError, match="do not fit"):
        ResidentImages.load(paths, 16, 8, needed - 1)


def test_the_cure_of_too_little_memory_is_enough_memory(
    write_images: WriteImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_images("a.png") * 300_000
    monkeypatch.setattr(resident, "map_in_threads", lambda _, paths, **__: [(256, 128)] * len(paths))
    with pytest.raises(DatasetError) as caught:
        ResidentImages.load(paths, 256, 128, 8 * GIGABYTE)  # 29.49 GB
    assert caught.value.got == "29.5 GB decoded"
    assert (caught.value.cure or "").startswith("-o data.memory_limit_gb=29.5,")


def test_no_images_are_an_error() -> None:
    with pytest.raises(DatasetError, match="no image"):
        ResidentImages.load([], 16, 8, GIGABYTE)


def test_market1501_keeps_its_own_size(market1501: Path) -> None:
    paths = sorted((market1501 / "query").glob("*.jpg"))[::200]
    images = ResidentImages.load(paths, 256, 128, GIGABYTE)
    np.testing.assert_array_equal(images.pixels, np.stack([np.asarray(Image.open(path)) for path in paths]))
