from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reseen.datasets.image_files import ImageFiles
from reseen.datasets.resident import load_images
from reseen.errors import ImageError

WriteImages = Callable[..., list[Path]]


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


def test_a_broken_image_is_an_error_that_names_it(write_images: WriteImages) -> None:
    paths = write_images("a.png", "b.png", "c.png")
    paths[1].write_bytes(paths[1].read_bytes()[:-40])
    with pytest.raises(ImageError) as caught:
        load_images(ImageFiles.of(paths, 16, 8))
    assert str(paths[1]) in caught.value.what
