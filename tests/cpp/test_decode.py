"""The C++ decoders give the pixels of `decode_image`, and refuse what it refuses."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import UInt8
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from reseen.errors import ImageError
from reseen.images.decode import decode_image

Pixels = Callable[..., UInt8[np.ndarray, "_ _ 3"]]

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'


def person(height: int = 90, width: int = 50) -> Image.Image:
    """Smooth colours with some noise, as photographs have them."""
    rng = np.random.default_rng(height)
    rough = rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    return Image.fromarray(np.clip(smooth + rng.integers(-20, 20, smooth.shape), 0, 255).astype(np.uint8))


def stored(image: Image.Image, form: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def png(bits: int, colour: int, channels: int, transparent: bytes = b"") -> bytes:
    """A PNG of 16 × 12 pixels of noise, in a form that Pillow does not write."""
    row = 16 * bits * channels // 8
    noise = np.random.default_rng(bits + colour).bytes(12 * row)
    rows = b"".join(b"\0" + noise[start : start + row] for start in range(0, len(noise), row))
    header = struct.pack(">IIBBBBB", 16, 12, bits, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *([(b"tRNS", transparent)] if transparent else []), (b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in [*parts, (b"IEND", b"")])


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def with_xmp() -> PngInfo:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return info


def exif_bytes(*entries: tuple[int, int, int, int], mark: bytes = b"II*\0") -> bytes:
    """EXIF of little-endian entries: tag, type, count, value."""
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"Exif\0\0" + mark + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)


JPEGS = {
    f"quality {quality}, {sampling}, {'progressive' if progressive else 'sequential'}, {height} × {width}": stored(
        person(height, width), "JPEG", quality=quality, subsampling=sampling, progressive=progressive
    )
    for quality in (30, 92)
    for sampling in ("4:4:4", "4:2:2", "4:2:0")
    for progressive in (False, True)
    for height, width in ((128, 64), (127, 63), (1, 1))
}
KINDS = {
    "grey JPEG": stored(person().convert("L"), "JPEG"),
    "CMYK JPEG": stored(person().convert("CMYK"), "JPEG"),
    "JPEG of RGB": stored(person(), "JPEG", keep_rgb=True),
    "JPEG with more behind it": stored(person(), "JPEG") + b"more",
    "PNG": stored(person(), "PNG"),
    "grey PNG": stored(person().convert("L"), "PNG"),
    "1-bit PNG": stored(person().convert("1"), "PNG"),
    "palette PNG": stored(person().quantize(200), "PNG"),
    "palette PNG of 2 bits": stored(person().quantize(4), "PNG", bits=2),
    "palette PNG, transparent": stored(person().quantize(16), "PNG", transparency=bytes(range(0, 256, 16))),
    "RGB PNG, transparent": png(8, 2, 3, bytes(6)),
    "grey PNG, transparent": stored(person().convert("L"), "PNG", transparency=100),
    "grey PNG of 1 bit, transparent": png(1, 0, 1, b"\0\1"),
    "grey PNG of 2 bits": png(2, 0, 1),
    "grey PNG of 4 bits, transparent": png(4, 0, 1, b"\0\5"),
    "RGBA PNG": png(8, 6, 4),
    "grey PNG with alpha": png(8, 4, 2),
    **{f"16-bit PNG of colour type {colour}": png(16, colour, n) for colour, n in ((0, 1), (2, 3), (4, 2), (6, 4))},
    "16-bit grey PNG, transparent": png(16, 0, 1, b"\0\5"),
}
TURNED = {
    **{f"JPEG {o}": stored(person(), "JPEG", exif=with_exif(o)) for o in range(10)},
    **{f"PNG {o}": stored(person(), "PNG", exif=with_exif(o)) for o in range(10)},
    "JPEG by XMP": stored(person(), "JPEG", xmp=XMP),
    "PNG by XMP": stored(person(), "PNG", pnginfo=with_xmp()),
    "little-endian": stored(person(), "JPEG", exif=exif_bytes((0x0100, 3, 1, 9), (0x0112, 3, 1, 8))),
    "four bytes": stored(person(), "JPEG", exif=exif_bytes((0x0112, 4, 1, 6))),
    "one byte": stored(person(), "JPEG", exif=exif_bytes((0x0112, 1, 1, 6))),
    "no value": stored(person(), "JPEG", exif=exif_bytes((0x0112, 3, 0, 6))),
    "no TIFF": stored(person(), "JPEG", exif=exif_bytes((0x0112, 3, 1, 6), mark=b"I*I*")),
    "no EXIF": stored(person(), "JPEG", exif=b"Exif\0\0"),
}


@pytest.mark.parametrize("content", [*JPEGS.values(), *KINDS.values()], ids=[*JPEGS, *KINDS])
def test_pixels_are_those_of_python(pixels: Pixels, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image").write_bytes(content)

    np.testing.assert_array_equal(pixels("decode", tmp_path / "image"), decode_image(content))


@pytest.mark.parametrize("content", TURNED.values(), ids=TURNED)
def test_an_image_is_turned_upright_as_in_python(pixels: Pixels, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image").write_bytes(content)

    np.testing.assert_array_equal(pixels("decode", tmp_path / "image"), decode_image(content))


def test_the_eight_orientations_are_eight_pictures() -> None:
    assert (
        len({(pixels.shape, pixels.tobytes()) for pixels in (decode_image(TURNED[f"PNG {o}"]) for o in range(1, 9))})
        == 8
    )


@pytest.mark.parametrize("end", [b"", b"\xff\xff", b"\x08\0\0\0", b"\x08\0\0\0\xff\xff", b"\xff\xff\xff\xff"])
def test_damaged_exif_leaves_the_image_as_it_is(pixels: Pixels, tmp_path: Path, end: bytes) -> None:
    (tmp_path / "image").write_bytes(stored(person(), "JPEG", exif=b"Exif\0\0II*\0" + end))

    assert pixels("decode", tmp_path / "image").shape == (90, 50, 3)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.99])
def test_a_file_that_was_cut_off_is_refused(pixels: Pixels, tmp_path: Path, form: str, share: float) -> None:
    whole = stored(person(), form)
    (tmp_path / "image").write_bytes(whole[: int(share * len(whole))])

    with pytest.raises(ValueError, match=r"cannot be decoded(.|\n)*the file ends before the image does"):
        pixels("decode", tmp_path / "image")


def test_a_jpeg_without_its_end_mark_is_refused(pixels: Pixels, tmp_path: Path) -> None:
    content = stored(person(), "JPEG")[:-2]
    (tmp_path / "image").write_bytes(content)

    with pytest.raises(ImageError, match="truncated"):
        decode_image(content)
    with pytest.raises(ValueError, match="the file ends before the image does"):
        pixels("decode", tmp_path / "image")


def test_a_progressive_jpeg_of_endless_scans_is_refused(pixels: Pixels, tmp_path: Path) -> None:
    whole = stored(person(), "JPEG", progressive=True)
    scan = whole.rindex(b"\xff\xda")
    (tmp_path / "image").write_bytes(whole[:scan] + 1001 * whole[scan:-2] + whole[-2:])

    with pytest.raises(ValueError, match="too many scans"):
        pixels("decode", tmp_path / "image")


@pytest.mark.parametrize("seed", range(40))
def test_damage_is_judged_as_in_python(pixels: Pixels, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray(stored(person(), "JPEG"))
    for place in rng.integers(2, len(content), rng.integers(1, 6)):
        content[place] = rng.integers(0, 256)
    (tmp_path / "image").write_bytes(content)

    try:
        expected = decode_image(bytes(content))
    except ImageError:
        with pytest.raises(ValueError, match="image"):
            pixels("decode", tmp_path / "image")
    else:
        np.testing.assert_array_equal(pixels("decode", tmp_path / "image"), expected)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello world", "a file that begins with 'hello wo'"),
        (stored(person(), "GIF"), "expected: JPEG or PNG"),
        (stored(person(), "WEBP"), "expected: JPEG or PNG"),
        (stored(person(), "BMP"), "expected: JPEG or PNG"),
        (bytes(64 * 2**20 + 1), "at most 67,108,864 bytes\n  got: 67,108,865 bytes"),
        (png(8, 2, 3).replace(struct.pack(">II", 16, 12), struct.pack(">II", 20000, 20000)), "CRC error"),
        (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", b""),
            "20,000 × 20,000 = 400,000,000 pixels",
        ),
        (
            stored(person(16, 16), "JPEG").replace(b"\x08\0\x10\0\x10", b"\x08\x40\0\x40\0"),
            "16,384 × 16,384 = 268,435,456 pixels",
        ),
    ],
    ids=["empty", "text", "GIF", "WebP", "BMP", "large file", "damaged header", "large PNG", "large JPEG"],
)
def test_what_cannot_be_read_is_refused_with_words(pixels: Pixels, tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "image").write_bytes(content)

    with pytest.raises(ValueError, match="image") as caught:
        pixels("decode", tmp_path / "image")
    assert words in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused_with_words(pixels: Pixels, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"missing.jpg cannot be read(.|\n)*No such file"):
        pixels("decode", tmp_path / "missing.jpg")
    with pytest.raises(ValueError, match=r"cannot be read(.|\n)*[Ii]s a directory"):
        pixels("decode", tmp_path)
