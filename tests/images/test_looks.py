"""Looks against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from reseen.images.looks import LOOKS, looks_of


def looks(pixels: np.ndarray, size: tuple[int, int] = (64, 32)) -> dict[str, float]:
    return dict(zip(LOOKS, looks_of(pixels[None].astype(np.uint8), [size])[0].tolist(), strict=True))


def test_a_plain_image_has_its_brightness_and_nothing_else() -> None:
    plain = looks(np.full((64, 32, 3), 90))
    assert plain == {"brightness": 90, "contrast": 0, "colour": 0, "sharpness": 0, "height": 64, "aspect": 0.5}


def test_colour_is_the_difference_of_the_channels() -> None:
    assert looks(np.full((64, 32, 3), (200, 120, 50)))["colour"] == 150
    assert looks(np.full((64, 32, 3), (50, 120, 200)))["brightness"] == 120


def test_stripes_have_contrast_and_steps_between_neighbours() -> None:
    stripes = np.tile(np.array([0, 100]), 16)[None, :, None] * np.ones((64, 1, 3))
    found = looks(stripes)
    assert (found["brightness"], found["contrast"]) == (50, 50)
    assert found["sharpness"] == pytest.approx(100 / 51)
    wide = np.repeat(np.array([0, 100]), 16)[None, :, None] * np.ones((64, 1, 3))
    assert looks(wide)["sharpness"] == pytest.approx(100 / 31 / 51)


def test_the_shape_is_that_before_resizing() -> None:
    found = looks(np.zeros((64, 32, 3)), (16, 12))
    assert (found["height"], found["aspect"]) == (16, 0.75)


def test_no_images_have_no_looks() -> None:
    assert looks_of(np.empty((0, 64, 32, 3), dtype=np.uint8), []).shape == (0, 6)
