"""What can be embedded, and what to call it: paths, folders, bytes, pictures, arrays."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from reseen.errors import DatasetError, ImageError, UsageError
from reseen.images.decode import SUFFIXES, check_pixels, decode_picture, to_rgb
from reseen.images.listing import entries, is_image

ImageLike: TypeAlias = str | Path | bytes | Image.Image | np.ndarray
"""A file, a folder of files, the bytes of a file, a picture of Pillow's, or (h, w, 3) uint8 RGB pixels."""


_PICTURES = threading.Lock()
"""Held to decode a user's picture: two threads that decode the same one get in each other's way."""


@dataclass(frozen=True, eq=False, slots=True)
class Input:
    """One image that is to be embedded; slim, for there may be a million.

    Attributes:
        name: the path of a file, or `image 3` for the fourth of those that have none.
        source: where its pixels come from; None: the file of that name.
    """

    name: str
    source: bytes | Image.Image | np.ndarray | None = None

    def decode(self) -> np.ndarray | Image.Image:
        """(h, w, 3) uint8 RGB, or a picture of Pillow's of mode RGB.

        Raises:
            ImageError: it cannot be decoded, or is over the limits.
        """
        if isinstance(self.source, np.ndarray):
            return self._checked(self.source)
        if isinstance(self.source, Image.Image):
            with _PICTURES:
                return to_rgb(self.source, self.name)
        return decode_picture(Path(self.name) if self.source is None else self.source, name=self.name)

    def _checked(self, pixels: np.ndarray) -> np.ndarray:
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise ImageError(
                f"{self.name} is not an image",
                expected="an array (height, width, 3) of uint8, RGB",
                got=f"an array {pixels.shape} of {pixels.dtype}",
                cure="convert it: RGB order, 0 to 255, channels last",
            )
        check_pixels(pixels.shape[1], pixels.shape[0], self.name)
        return pixels


def inputs_of(images: ImageLike | Sequence[ImageLike]) -> list[Input]:
    """The images in their order; a folder stands for the images in it and below it, sorted by name.

    Raises:
        DatasetError: a folder without images.
        UsageError: something that is no image.
    """
    several = [images] if isinstance(images, ImageLike) else images
    return [each for place, image in enumerate(several) for each in _of(image, place)]


def _of(image: object, place: int) -> Iterator[Input]:
    if isinstance(image, str) and not image:  # it would stand for the current folder
        raise UsageError(f"image {place} has no name", expected="a path", got="''", cure="give the path of an image")
    if isinstance(image, str | Path):
        path = Path(image)
        yield from (Input(name) for name in (_images_in(path) if path.is_dir() else [str(path)]))
    elif isinstance(image, bytes | Image.Image | np.ndarray):
        yield Input(f"image {place}", image)
    else:
        raise UsageError(
            f"image {place} cannot be embedded",
            expected="a path, bytes, a picture of Pillow's, or an array (height, width, 3) of uint8, RGB",
            got=type(image).__name__,
            cure="convert it to one of these",
        )


def _images_in(folder: Path) -> list[str]:
    found = list(_walk(folder))
    if not found:
        raise DatasetError(
            f"there is no image in {folder}",
            expected=f"files that end in {', '.join(sorted(SUFFIXES))}",
            got="none, in the folder and below it",
            cure="check the path",
        )
    return found


def _walk(folder: Path) -> Iterator[str]:
    """Images of a folder and of those below it; links to folders are not followed, for they may lead in circles."""
    for entry in entries(folder):
        if is_image(entry):
            yield str(entry)
        elif entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry)
