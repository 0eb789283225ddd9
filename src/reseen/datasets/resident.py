"""The decoded training set, held in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from reseen.datasets.threads import Progress, map_in_threads
from reseen.errors import DatasetError
from reseen.images.decode import decode_image, read_image_size


@dataclass(frozen=True, eq=False)
class ResidentImages:
    """Images of one size, as 8-bit RGB.

    Attributes:
        pixels: the images, in the order of the paths they were loaded from.
    """

    pixels: UInt8[np.ndarray, "n h w 3"]

    @classmethod
    def load(
        cls,
        paths: Sequence[Path],
        height: int,
        width: int,
        memory_limit_bytes: int,
        *,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> ResidentImages:
        """Decode all images into one array.

        When all have the same size, and it is not larger than the recipe's, they keep it, so that Market-1501 takes
        a quarter of the memory. Else each is resized to the recipe's size, with Pillow's antialiased bilinear.

        Args:
            paths: the image files.
            height: of the network's input, in pixels.
            width: of the network's input, in pixels.
            memory_limit_bytes: most memory the pixels may take; checked before anything is decoded.
            threads: threads that decode; None leaves it to Python.
            progress: called with images decoded and images in all.

        Raises:
            DatasetError: there is no image, or they take more than `memory_limit_bytes`.
            ImageError: an image cannot be read; the message names it.
        """
        if not paths:
            raise DatasetError(
                "there is no image to load", expected="at least one", got="none", cure="check the training split"
            )
        height, width = _common_size(map_in_threads(read_image_size, paths, threads=threads), height, width)
        _check_memory(len(paths) * height * width * 3, memory_limit_bytes)
        pixels = np.empty((len(paths), height, width, 3), dtype=np.uint8)

        def load_one(place: int) -> None:
            pixels[place] = _resize(decode_image(paths[place]), height, width)

        map_in_threads(load_one, range(len(paths)), threads=threads, progress=progress)
        return cls(pixels)


def _common_size(sizes: Sequence[tuple[int, int]], height: int, width: int) -> tuple[int, int]:
    stored_height, stored_width = sizes[0]
    alike = all(size == sizes[0] for size in sizes)
    return sizes[0] if alike and stored_height <= height and stored_width <= width else (height, width)


def _resize(image: UInt8[np.ndarray, "h1 w1 3"], height: int, width: int) -> UInt8[np.ndarray, "h2 w2 3"]:
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def _check_memory(needed: int, limit: int) -> None:
    if needed > limit:
        gigabytes = -(-needed // 10**8) / 10
        raise DatasetError(
            "the training images do not fit into the memory allowed for them",
            expected=f"at most {limit / 1e9:.1f} GB",
            got=f"{needed / 1e9:.1f} GB decoded",
            cure=f"-o data.memory_limit_gb={gigabytes}, if the machine has it, or a smaller preprocess size",
        )
