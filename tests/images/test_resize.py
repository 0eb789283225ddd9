"""The resize of deployed models: Pillow's, and within ±1 of the one that training uses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from reseen.images.preprocess import Preprocess
from reseen.images.resize import fit
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
