"""Decoding of image files: bounded in bytes and pixels, always to 8-bit RGB, and never silently wrong."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from reseen.errors import ImageError
from reseen.images.png import require_whole
from reseen.shapes import UInt8

MAX_BYTES = 64 * 2**20
"""Largest image file that is read."""
MAX_PIXELS = 50_000_000
"""Largest width times height that is decoded."""
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
"""Raster formats that are read, by Pillow's names."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
"""File name endings, in lower case, by which dataset readers know an image."""

_ORIENTATION = 0x0112
_UPRIGHT = 1
_SIXTEEN_BIT = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_UNSCALED = frozenset({"I", "F"})


def decode_image(source: Path | bytes, *, name: str | None = None) -> UInt8[np.ndarray, "h w 3"]:
    """Decode an image to 8-bit RGB, upright.

    EXIF orientation is applied. Grey, palette, CMYK and 16-bit images (their high byte) become RGB; transparent
    parts are laid over black; of an animation the first frame is taken. JPEGs are decoded at full size, so pixels
    do not depend on what is done with them later.

    Args:
        source: a file, or the bytes of one.
        name: what to call the image in errors; a file goes by its path.

    Raises:
        ImageError: the file is missing, empty, damaged, of a format not in `FORMATS`, or over `MAX_BYTES` or
            `MAX_PIXELS` (checked before reading, and before decoding).
    """
    return np.array(decode_picture(source, name=name))


def decode_picture(source: Path | bytes, *, name: str | None = None) -> Image.Image:
    """Like `decode_image`, but one of Pillow's pictures, of mode RGB, for what Pillow does next."""
    label = name or (str(source) if isinstance(source, Path) else "image")
    data = read_image_bytes(source) if isinstance(source, Path) else source
    _check_bytes(len(data), label)
    image = _open_header(BytesIO(data), label)
    check_pixels(*image.size, label)
    if image.format == "PNG":
        try:
            require_whole(data)
        except (ValueError, zlib.error) as error:
            raise _damaged(label, error) from error
    return to_rgb(image, label)


def to_rgb(image: Image.Image, name: str) -> Image.Image:
    """A picture of Pillow's in 8-bit RGB, upright, as `decode_image` makes it; itself, where it is that already.

    Args:
        image: decoded here, if it is not yet.
        name: what to call it in errors.

    Raises:
        ImageError: it cannot be decoded, or is over `MAX_PIXELS`.
    """
    check_pixels(*image.size, name)
    try:
        # Every copy of the pixels counts: they are most of what it costs to embed a small crop.
        turned = image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT
        return _to_rgb(ImageOps.exif_transpose(image) if turned else image)
    except Exception as error:  # Pillow's decoders raise anything on damaged data
        raise _damaged(name, error) from error


def read_image_bytes(path: Path) -> bytes:
    """The bytes of an image file, at most `MAX_BYTES`; errors are those of `decode_image`."""
    with _opened(path) as file:
        return file.read(MAX_BYTES + 1)


def read_image_size(path: Path) -> tuple[int, int]:
    """Height and width, in pixels, that `decode_image` will give; reads the header only.

    Raises:
        ImageError: as `decode_image`, but for damage that lies behind the header.
    """
    label = str(path)
    with _opened(path) as file:
        image = _open_header(file, label)
        check_pixels(*image.size, label)
        try:
            exif = Image.Image.getexif(image)  # PNG's own `getexif` would decode the whole image
            sideways = exif.get(_ORIENTATION, _UPRIGHT) in range(5, 9)
        except Exception as error:
            raise _damaged(label, error) from error
    return (image.width, image.height) if sideways else (image.height, image.width)


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        if path.is_dir():
            raise ImageError(
                f"{path} cannot be read", expected="an image file", got="a folder", cure="give the path of one image"
            )
        _check_bytes(path.stat().st_size, str(path))
        with path.open("rb") as file:
            yield file
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise ImageError(
            f"{path} cannot be read",
            expected="a readable image file",
            got=error.strerror if isinstance(error, OSError) else str(error),
            cure="check the path and its permissions",
        ) from error


def _check_bytes(size: int, label: str) -> None:
    if size == 0:
        raise ImageError(f"{label} is empty", expected="an image file", got="0 bytes", cure="replace or remove it")
    if size > MAX_BYTES:
        raise ImageError(
            f"{label} is too large to read",
            expected=f"at most {MAX_BYTES:,} bytes",
            got=f"{size:,} bytes",
            cure="store only the crop of the person, or compress it",
        )


def _open_header(file: BytesIO | BufferedReader, label: str) -> Image.Image:
    """The image with its size known and nothing decoded.

    Pillow's plugins are asked one by one, rather than through `Image.open`, because that warns about large images
    on its own terms, and a warning cannot be silenced for one thread alone.
    """
    Image.init()
    prefix = file.read(16)
    for name in FORMATS:
        factory, accept = Image.OPEN[name]
        if accept is None or accept(prefix) is not True:
            continue
        file.seek(0)
        try:
            image = factory(file, label)
        except Exception as error:
            raise _damaged(label, error) from error
        return image
    raise ImageError(
        f"{label} is not an image that can be read",
        expected=f"one of {', '.join(FORMATS)}",
        got=f"a file that begins with {prefix[:8]!r}",
        cure="convert it to JPEG or PNG, or remove it",
    )


def check_pixels(width: int, height: int, label: str) -> None:
    """Refuse an image of more than `MAX_PIXELS`.

    Raises:
        ImageError: it has more.
    """
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{label} has too many pixels",
            expected=f"at most {MAX_PIXELS:,} pixels",
            got=f"{width:,} × {height:,} = {width * height:,} pixels",
            cure="crop the person out of the picture, or shrink it",
        )


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _UNSCALED:
        raise ValueError(f"32-bit pixels (mode {image.mode}) have no known range")
    if image.mode in _SIXTEEN_BIT:
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        opaque = Image.new("RGB", image.size)
        opaque.paste(image, mask=image.getchannel("A"))
        return opaque
    if image.mode == "RGB":
        image.load()
        return image
    return image.convert("RGB")


def _damaged(label: str, error: Exception) -> ImageError:
    return ImageError(
        f"{label} cannot be decoded",
        expected="a whole image of 8 or 16 bits per channel",
        got=str(error) or type(error).__name__,
        cure="replace it with an undamaged copy, or remove it from the dataset",
    )
