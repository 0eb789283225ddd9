"""Image files that are decoded to one size: one by one, or all into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from reseen.errors import DatasetError
from reseen.images.decode import decode_image, read_image_size
from reseen.map_ahead import OnProgress, map_all
from reseen.shapes import Int64, UInt8


@dataclass(frozen=True)
class ImageFiles:
    """Image files, and the size that they are decoded to.

    Attributes:
        paths: the files.
        height: of a decoded image, in pixels.
        width: of a decoded image, in pixels.
    """

    paths: Sequence[Path]
    height: int
    width: int

    @classmethod
    def of(cls, paths: Sequence[Path], height: int, width: int, *, threads: int | None = None) -> ImageFiles:
        """Find the size to decode to, from the headers alone.

        When all images have the same size, and it is not larger than the recipe's, they keep it, so that Market-1501
        takes a quarter of the memory. Else each is resized to the recipe's size, with Pillow's antialiased bilinear.

        Args:
            paths: the files.
            height: of the network's input, in pixels.
            width: of the network's input, in pixels.
            threads: threads that read; None leaves it to `map_all`.

        Raises:
            DatasetError: there is no image.
            ImageError: a header cannot be read; the message names the image.
        """
        if not paths:
            raise DatasetError(
                "there are no images to load", expected="at least one", got="none", cure="check the training split"
            )
        sizes = map_all(read_image_size, paths, threads=threads)
        stored_height, stored_width = sizes[0]
        if stored_height <= height and stored_width <= width and all(size == sizes[0] for size in sizes):
            height, width = stored_height, stored_width
        return cls(paths, height, width)

    @property
    def decoded_bytes(self) -> int:
        """Memory that all images take once they are decoded."""
        return len(self.paths) * self.height * self.width * 3

    def read_one(self, place: int) -> UInt8[np.ndarray, "h w 3"]:
        """Decode one image.

        Raises:
            ImageError: it cannot be read; the message names it.
        """
        image = decode_image(self.paths[place])
        if image.shape[:2] == (self.height, self.width):
            return image
        return np.asarray(Image.fromarray(image).resize((self.width, self.height), Image.Resampling.BILINEAR))

    def read(self, places: Int64[np.ndarray, " b"]) -> UInt8[np.ndarray, "b h w 3"]:
        """Decode some of the images, one after the other.

        Raises:
            ImageError: an image cannot be read; the message names it.
        """
        return np.stack([self.read_one(place) for place in places.tolist()])


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
