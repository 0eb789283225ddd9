"""`ImageSource`: one image that somebody gave, whatever it was: a path, bytes, a file, a picture, pixels."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import IOBase
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np
from PIL import Image

from reseen.errors import DatasetError, ImageError, UsageError
from reseen.images.decode import MAX_BYTES, SUFFIXES, check_pixels, decode_picture, to_rgb
from reseen.images.listing import entries, is_image

Colour = Literal["rgb", "bgr"]
"""Order of the channels of arrays and tensors; OpenCV's frames are `bgr`. Files and pictures know their own."""


@runtime_checkable
class BinaryFile(Protocol):
    """A file opened in binary mode, or `io.BytesIO`."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        ...


@runtime_checkable
class Tensor(Protocol):
    """A tensor of torch, known by what it can do, so that torch need not be there."""

    def detach(self) -> Tensor:
        """Without its gradient."""
        ...

    def cpu(self) -> Tensor:
        """In host memory."""
        ...

    def numpy(self) -> np.ndarray:
        """As an array."""
        ...


ImageLike: TypeAlias = str | Path | bytes | bytearray | memoryview | BinaryFile | Image.Image | np.ndarray | Tensor
"""What can be embedded:

- the path of an image file, or of a folder, which stands for the images in it and below it, sorted;
- the content of an image file, or a file that is open in binary mode;
- a Pillow image;
- a uint8 array: (h, w) grey, (h, w, 3), (h, w, 4) with alpha, or n images as (n, h, w, 3);
- a uint8 tensor of torch: channels first, as torchvision reads files, or last; where both could be, it is refused.
"""

CHANNELS = (1, 3, 4)
WHAT = "a path, bytes, an open file, a Pillow image, or an array (height, width, 3) of uint8"
_URL = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+:/{1,2}[^/\\]", re.IGNORECASE)
_PICTURES = threading.Lock()
"""Held to decode a user's picture: two threads that decode the same one get in each other's way."""


@dataclass(frozen=True, eq=False, slots=True)
class ImageSource:
    """One image; slim, for there may be a million.

    Attributes:
        name: the path of a file, or `image 3` for the fourth of those that were given.
        data: where its pixels come from, arrays in RGB order; None: the file of that name.
    """

    name: str
    data: bytes | Image.Image | np.ndarray | None = None

    def decode(self) -> np.ndarray | Image.Image:
        """(h, w, 3) uint8 RGB, or a Pillow image of mode RGB.

        Raises:
            ImageError: it cannot be decoded, or is over the limits.
        """
        if isinstance(self.data, np.ndarray):
            return _rgb_pixels(self.data, self.name)
        if isinstance(self.data, Image.Image):
            with _PICTURES:
                return to_rgb(self.data, self.name)
        return decode_picture(Path(self.name) if self.data is None else self.data, name=self.name)


def image_sources(
    images: ImageLike | ImageSource | Iterable[ImageLike | ImageSource], colour: Colour = "rgb"
) -> list[ImageSource]:
    """The images in their order.

    Args:
        images: one or many of what can be embedded.
        colour: order of the channels in arrays and tensors.

    Raises:
        DatasetError: a folder without images.
        ImageError: an open file cannot be read, or holds too much.
        UsageError: something that is no image, a URL, an unknown order of channels.
    """
    if colour not in get_args(Colour):
        raise UsageError(
            f"there is no order of channels {colour!r}", expected="rgb or bgr", got=colour, cure="choose one of these"
        )
    if isinstance(images, np.ndarray | Tensor):
        return list(_of_array(images, "image", None, colour))
    if isinstance(images, ImageLike | ImageSource) or not isinstance(images, Iterable):
        images = [images]
    return [source for index, image in enumerate(images) for source in _of(image, index, colour)]


def _of(image: object, index: int, colour: Colour) -> Iterator[ImageSource]:
    name = f"image {index}"
    if isinstance(image, ImageSource):
        yield image
    elif isinstance(image, str | Path):
        yield from _of_path(image, name)
    elif isinstance(image, bytes | bytearray | memoryview):
        yield ImageSource(name, bytes(image))
    elif isinstance(image, Image.Image):
        yield ImageSource(name, image)
    elif isinstance(image, np.ndarray | Tensor):
        yield from _of_array(image, name, index, colour)
    elif isinstance(image, BinaryFile):
        yield ImageSource(name, _content(image, name))
    else:
        raise UsageError(
            f"{name} cannot be embedded", expected=WHAT, got=type(image).__name__, cure="convert it to one of these"
        )


def _of_path(given: str | Path, name: str) -> Iterator[ImageSource]:
    if isinstance(given, str) and not given:  # it would stand for the current folder
        raise UsageError(f"{name} has no name", expected="a path", got="''", cure="give the path of an image")
    if _URL.match(str(given)):
        raise UsageError(
            f"{name} is a URL, and nothing is fetched",
            expected="the path of a file on this machine",
            got=str(given)[:200],
            cure="download it first, then give its path or its bytes",
        )
    path = Path(given)
    yield from (ImageSource(each) for each in (_images_in(path) if path.is_dir() else [str(path)]))


def _content(file: BinaryFile, name: str) -> bytes:
    try:
        if isinstance(file, IOBase) and file.seekable():
            file.seek(0)  # one that was just written to stands at its end
        content: object = file.read(MAX_BYTES + 1)  # one more, so that a file over the limit is refused as such
    except (OSError, ValueError) as error:
        raise ImageError(
            f"{name} cannot be read", expected="an open file", got=str(error), cure="open it in binary mode"
        ) from error
    if not isinstance(content, bytes):
        raise UsageError(
            f"{name} is a file of text", expected="a file opened in binary mode", got="text", cure='open(path, "rb")'
        )
    return content


def _of_array(image: np.ndarray | Tensor, name: str, index: int | None, colour: Colour) -> Iterator[ImageSource]:
    """The images of an array; those of a batch are numbered: `image 0`, or `image 2[0]` within a list."""
    pixels = image if isinstance(image, np.ndarray) else _channels_last(image.detach().cpu().numpy(), name)
    if pixels.ndim >= 3 and pixels.shape[-1] in {3, 4} and colour == "bgr":
        pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[-1]]]
    if pixels.ndim != 4:
        yield ImageSource(f"{name} 0" if index is None else name, pixels)
        return
    for number, each in enumerate(pixels):
        yield ImageSource(f"{name} {number}" if index is None else f"{name}[{number}]", each)


def _channels_last(pixels: np.ndarray, name: str) -> np.ndarray:
    first = pixels.ndim - 3
    if pixels.ndim not in {3, 4} or pixels.shape[first] not in CHANNELS:
        return pixels
    if pixels.shape[-1] in CHANNELS:
        raise ImageError(
            f"{name} may have its channels first or last",
            expected="a tensor of which one axis alone can be that of the channels",
            got=f"shape {pixels.shape}",
            cure="give an array, channels last: tensor.permute(1, 2, 0).numpy()",
        )
    return np.moveaxis(pixels, first, -1)


def _rgb_pixels(pixels: np.ndarray, name: str) -> np.ndarray:
    """(h, w, 3) uint8 of a grey, RGB or RGBA array; transparent parts are laid over black, as those of files are."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
    if pixels.dtype != np.uint8 or pixels.ndim not in {2, 3} or channels not in CHANNELS or 0 in pixels.shape:
        raise ImageError(
            f"{name} is not an image",
            expected="pixels (height, width, 3) of uint8; grey and RGBA do too",
            got=f"an array {pixels.shape} of {pixels.dtype}",
            cure="convert it: 0 to 255, channels last",
        )
    check_pixels(pixels.shape[1], pixels.shape[0], name)
    if channels == 3:
        return pixels
    grey_or_alpha = pixels.reshape(pixels.shape[:2]) if channels == 1 else np.ascontiguousarray(pixels)
    return np.asarray(to_rgb(Image.fromarray(grey_or_alpha), name))


def _images_in(folder: Path) -> list[str]:
    found = list(_walk(folder))
    if not found:
        raise DatasetError(
            f"no images in {folder}",
            expected=f"files that end in {', '.join(sorted(SUFFIXES))}",
            got="none, in the folder or its subfolders",
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
