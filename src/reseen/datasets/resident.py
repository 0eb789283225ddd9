"""The decoded training set, held in memory."""

from __future__ import annotations

import numpy as np

from reseen.datasets.image_files import ImageFiles
from reseen.map_ahead import OnProgress, map_all
from reseen.shapes import UInt8


def load_images(
    files: ImageFiles, *, threads: int | None = None, progress: OnProgress | None = None
) -> UInt8[np.ndarray, "n h w 3"]:
    """Decode all images into one array, in the order of their paths.

    Args:
        files: the images; `decoded_bytes` says what they will take.
        threads: threads that decode; None leaves it to `map_all`.
        progress: called with images decoded and images in all.

    Raises:
        ImageError: an image cannot be read; the message names it.
    """
    pixels = np.empty((len(files.paths), files.height, files.width, 3), dtype=np.uint8)

    def load_one(place: int) -> None:
        pixels[place] = files.read_one(place)

    map_all(load_one, range(len(files.paths)), threads=threads, progress=progress)
    return pixels
