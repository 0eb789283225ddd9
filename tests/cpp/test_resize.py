"""The C++ resize gives Pillow's pixels, all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import UInt8
from PIL import Image

Pixels = Callable[..., UInt8[np.ndarray, "_ _ 3"]]

FROM = [(40, 20), (128, 64), (255, 127), (399, 213), (31, 17), (1, 1), (3, 500), (2000, 900), (900, 2000)]
TO = [(64, 32), (128, 64), (256, 128), (384, 128), (16, 16), (17, 2048), (2048, 17)]


@pytest.mark.parametrize(("height", "width"), FROM)
def test_pixels_are_pillows_at_every_size(pixels: Pixels, tmp_path: Path, height: int, width: int) -> None:
    noise = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    image.save(tmp_path / "image.png", compress_level=1)

    for to_height, to_width in [*TO, (height, 64), (64, width), (height, width)]:
        expected = np.asarray(image.resize((to_width, to_height), Image.Resampling.BILINEAR))
        found = pixels("resize", tmp_path / "image.png", to_height, to_width)
        np.testing.assert_array_equal(found, expected, f"to {to_height} × {to_width}")


def test_black_and_white_edges_stay_within_8_bits(pixels: Pixels, tmp_path: Path) -> None:
    board = np.kron(np.indices((20, 10)).sum(axis=0) % 2, np.ones((3, 3)))
    image = Image.fromarray((255 * board).astype(np.uint8)).convert("RGB")
    image.save(tmp_path / "board.png")

    for height, width in [(64, 32), (20, 10), (59, 29)]:
        expected = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(pixels("resize", tmp_path / "board.png", height, width), expected)


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (-1, 10)])
def test_a_size_without_pixels_is_refused(pixels: Pixels, tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "image.png")

    with pytest.raises(ValueError, match="cannot be resized"):
        pixels("resize", tmp_path / "image.png", *size)
