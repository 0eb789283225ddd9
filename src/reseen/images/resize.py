"""The one resize of deployed models, by Pillow, on images in host memory: `fit` for one, `prepare` for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from reseen.errors import ImageError
from reseen.images.looks import looks_of
from reseen.images.preprocess import Preprocess
from reseen.images.source import ImageSource
from reseen.shapes import Float32, UInt8


@dataclass(frozen=True, eq=False)
class Batch:
    """Some images, ready for the engine.

    Attributes:
        names: of those that could be read, in their order.
        pixels: (n, h, w, 3), their RGB pixels at the preprocess size; none when no image could be read.
        broken: why the others could not, by their names.
        looks: what the images look like, as `looks_of` tells it.
    """

    names: tuple[str, ...]
    pixels: UInt8[np.ndarray, "n h w 3"]
    broken: dict[str, ImageError]
    looks: Float32[np.ndarray, "n 6"]


def fit(image: UInt8[np.ndarray, "_ _ 3"] | Image.Image, preprocess: Preprocess) -> UInt8[np.ndarray, "h w 3"]:
    """The image, or Pillow's picture of mode RGB, at the size of the preprocessing, by antialiased bilinear resampling.

    An array of that size comes back as it is, not as a copy. `reseen.models.preprocessing.resize` does the same on
    whole batches, within ±1.
    """
    size = preprocess.width, preprocess.height
    if isinstance(image, np.ndarray):
        if image.shape[1::-1] == size:
            return image
        image = Image.fromarray(image)
    return np.asarray(image if image.size == size else image.resize(size, Image.Resampling.BILINEAR))


def prepare(sources: Sequence[ImageSource], preprocess: Preprocess) -> Batch:
    """Decode and resize some images, and keep apart those that cannot be read."""
    pixels = np.empty((len(sources), preprocess.height, preprocess.width, 3), dtype=np.uint8)
    names: list[str] = []
    broken: dict[str, ImageError] = {}
    sizes: list[tuple[int, int]] = []
    for each in sources:
        try:
            image = each.decode()
            pixels[len(names)] = fit(image, preprocess)
        except ImageError as error:
            broken[each.name] = error
        else:
            names.append(each.name)
            sizes.append(image.shape[:2] if isinstance(image, np.ndarray) else image.size[::-1])
    return Batch(tuple(names), pixels[: len(names)], broken, looks_of(pixels[: len(names)], sizes))
