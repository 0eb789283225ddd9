"""The resize of deployed models: Pillow's, and within ±1 of the one that training uses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from reseen.errors import ImageError
from reseen.images.preprocess import Preprocess
from reseen.images.resize import fit, prepare
from reseen.images.source import image_sources
from reseen.models.preprocessing import resize


@pytest.mark.parametrize("size", [(20, 40), (64, 128), (100, 50), (900, 2000), (1, 1)])
def test_it_is_pillow_s_bilinear_and_training_s_within_one(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = fit(pixels, Preprocess(height=128, width=64))
    wanted = np.asarray(Image.fromarray(pixels).resize((64, 128), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(fit(Image.fromarray(pixels), Preprocess(height=128, width=64)), wanted)
    trained_on = resize(torch.from_numpy(pixels[None]), 128, 64)[0].numpy()
    assert np.abs(found.astype(int) - trained_on).max() <= 1


def test_an_image_of_the_right_size_is_not_copied() -> None:
    pixels = np.zeros((128, 64, 3), dtype=np.uint8)
    assert fit(pixels, Preprocess(height=128, width=64)) is pixels


def test_a_picture_of_the_right_size_is_not_resampled() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (128, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(fit(Image.fromarray(pixels), Preprocess(height=128, width=64)), pixels)


SIZE = Preprocess(height=16, width=16)


def plain(number: int) -> np.ndarray:
    return np.full((16, 16, 3), number, dtype=np.uint8)


def test_images_are_fitted_in_their_order() -> None:
    pictures: list[np.ndarray | Image.Image] = [
        plain(1),
        Image.fromarray(plain(2)).resize((30, 50)),
        plain(3).repeat(2, axis=0),
    ]

    batch = prepare(image_sources(pictures), SIZE)

    assert batch.names == ("image 0", "image 1", "image 2")
    np.testing.assert_array_equal(batch.pixels, [plain(1), plain(2), plain(3)])
    assert not batch.broken


def test_a_broken_image_leaves_the_others_where_they_belong() -> None:
    inputs = image_sources([b"broken" if number in {0, 2} else plain(number) for number in range(5)])

    batch = prepare(inputs, SIZE)

    assert batch.names == ("image 1", "image 3", "image 4")
    assert [row[0, 0, 0] for row in batch.pixels] == [1, 3, 4]
    assert list(batch.broken) == ["image 0", "image 2"]
    assert all(isinstance(error, ImageError) for error in batch.broken.values())


def test_broken_images_alone_have_no_pixels() -> None:
    batch = prepare(image_sources([b"a", b"b"]), SIZE)

    assert batch.pixels.shape == (0, 16, 16, 3)
    assert len(batch.broken) == 2
