"""What images look like, in a few numbers that cost next to nothing beside a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reseen.shapes import Float32, UInt8

LOOKS = ("brightness", "contrast", "colour", "sharpness", "height", "aspect")
"""In the order of the columns of `looks_of`."""
ROWS = 4
"""Every fourth row is looked at; for colour, every eighth row and column."""


def looks_of(pixels: UInt8[np.ndarray, "n h w 3"], sizes: Sequence[tuple[int, int]]) -> Float32[np.ndarray, "n 6"]:
    """Six numbers of each image, in the order of `LOOKS`.

    Brightness is the mean and contrast the standard deviation of green, 0..255; colour is the mean difference of the
    largest and the smallest channel, 0..255; sharpness is the mean difference of neighbours in a row, as a share of the
    contrast; aspect is width over height.

    Args:
        pixels: RGB, at the preprocess size.
        sizes: height and width of each image before that.
    """
    count = len(pixels)
    if not count:
        return np.empty((0, len(LOOKS)), dtype=np.float32)
    green = pixels[:, ::ROWS, :, 1].astype(np.int16)
    few = pixels[:, :: 2 * ROWS, ::8]
    flat = green.reshape(count, -1)
    contrast = flat.std(axis=1, dtype=np.float32)
    steps = np.abs(green[:, :, 1:] - green[:, :, :-1]).reshape(count, -1).mean(axis=1, dtype=np.float32)
    colour = (few.max(axis=3) - few.min(axis=3)).reshape(count, -1).mean(axis=1, dtype=np.float32)
    heights, widths = np.array(sizes, dtype=np.float32).T
    columns = [flat.mean(axis=1, dtype=np.float32), contrast, colour, steps / (contrast + 1), heights, widths / heights]
    return np.stack(columns, axis=1)
