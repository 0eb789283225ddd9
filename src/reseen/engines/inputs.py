"""What can be embedded, and what to call it: paths, folders, bytes, pictures, arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from reseen.datasets.listing import entries, image_files
from reseen.errors import DatasetError, ImageError
from reseen.images.decode import SUFFIXES, decode_image, to_rgb

ImageLike: TypeAlias = str | Path | bytes | Image.Image | np.ndarray
"""A file, a folder of files, the bytes of a file, a picture of Pillow's, or (h, w, 3) uint8 RGB pixels."""


@dataclass(frozen=True, eq=False)
class Input:
    """One image that is to be embedded.

    Attributes:
        name: the path of a file, or `image 3` for the fourth of those that have none.
        source: where its pixels come from.
    """

    name: str
    source: Path | bytes | Image.Image | np.ndarray

    def pixels(self) -> np.ndarray:
        """(h, w, 3) uint8 RGB.

        Raises:
            ImageError: it cannot be decoded, or is over the limits.
        """
        if isinstance(self.source, np.ndarray):
            return self._checked(self.source)
        if isinstance(self.source, Image.Image):
            return to_rgb(self.source, self.name)
        return decode_image(self.source, name=self.name)

    def _checked(self, pixels: np.ndarray) -> np.ndarray:
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise ImageError(
                f"{self.name} is not an image",
                expected="an array (height, width, 3) of uint8, RGB",
                got=f"an array {pixels.shape} of {pixels.dtype}",
                cure="convert it: RGB order, 0 to 255, channels last",
            )
        return pixels


def inputs_of(images: ImageLike | Sequence[ImageLike]) -> list[Input]:
    """The images in their order; a folder stands for the images in it and below it, by name.

    Raises:
        DatasetError: a folder without images.
        TypeError: something that is not an image.
    """
    several = [images] if isinstance(images, ImageLike) else images
    return [each for place, image in enumerate(several) for each in _of(image, place)]


def _of(image: ImageLike, place: int) -> Iterator[Input]:
    if isinstance(image, str | Path):
        path = Path(image)
        yield from (Input(str(file), file) for file in (_images_in(path) if path.is_dir() else [path]))
    elif isinstance(image, bytes | Image.Image | np.ndarray):
        yield Input(f"image {place}", image)
    else:
        raise TypeError(f"image {place} is a {type(image).__name__}, not a path, bytes, a PIL image or an array")


def _images_in(folder: Path) -> list[Path]:
    """Images of a folder and of those below it, sorted; links to folders are not followed."""
    found = sorted(path for inner in _folders(folder) for path in image_files(inner))
    if not found:
        raise DatasetError(
            f"there is no image in {folder}",
            expected=f"files that end in {', '.join(sorted(SUFFIXES))}",
            got="none, in the folder and below it",
            cure="check the path",
        )
    return found


def _folders(folder: Path) -> Iterator[Path]:
    yield folder
    for entry in entries(folder):
        if entry.is_dir() and not entry.is_symlink():
            yield from _folders(entry)
