from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reseen.errors import ImageError
from reseen.images import decode
from reseen.images.decode import decode_image, read_image_bytes, read_image_size

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 10, 3), dtype=np.uint8)
EXIF_ORIENTATION = 0x0112


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("BMP", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True})],
)
def test_lossless_formats_give_the_pixels_that_were_saved(kind: str, options: dict[str, object]) -> None:
    decoded = decode_image(encoded(Image.fromarray(PIXELS), kind, **options))
    np.testing.assert_array_equal(decoded, PIXELS)
    assert decoded.dtype == np.uint8
    assert decoded.flags.writeable


def test_a_jpeg_is_decoded_at_full_size_as_pillow_does(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.fromarray(np.tile(PIXELS, (20, 20, 1))).save(path, quality=70)
    np.testing.assert_array_equal(decode_image(path), np.asarray(Image.open(path)))


def test_a_file_and_its_bytes_decode_alike(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(encoded(Image.fromarray(PIXELS), "WEBP"))
    np.testing.assert_array_equal(decode_image(path), decode_image(path.read_bytes()))
    assert read_image_bytes(path) == path.read_bytes()


def test_the_content_counts_and_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(encoded(Image.fromarray(PIXELS)))
    np.testing.assert_array_equal(decode_image(path), PIXELS)


def test_grey_fills_all_three_channels() -> None:
    decoded = decode_image(encoded(Image.fromarray(PIXELS[..., 0])))
    np.testing.assert_array_equal(decoded, np.repeat(PIXELS[..., :1], 3, axis=2))


def test_black_and_white_becomes_0_and_255() -> None:
    decoded = decode_image(encoded(Image.fromarray(PIXELS[..., 0] > 127)))
    np.testing.assert_array_equal(decoded[..., 1], np.where(PIXELS[..., 0] > 127, 255, 0))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_gives_its_high_byte(kind: str) -> None:
    wide = np.array([[0, 255, 256], [32768, 65279, 65535]], dtype=np.uint16)
    decoded = decode_image(encoded(Image.fromarray(wide), kind))
    np.testing.assert_array_equal(decoded[..., 2], [[0, 0, 1], [128, 254, 255]])


def test_a_palette_is_looked_up() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putdata([2, 0, 1])
    np.testing.assert_array_equal(decode_image(encoded(image)), [[[70, 80, 90], [10, 20, 30], [40, 50, 60]]])


def test_cmyk_becomes_rgb() -> None:
    decoded = decode_image(encoded(Image.new("CMYK", (2, 2), (0, 255, 0, 0)), "TIFF"))
    np.testing.assert_array_equal(decoded, np.broadcast_to([255, 0, 255], (2, 2, 3)))


def test_transparency_is_laid_over_black() -> None:
    rgba = np.array([[[200, 100, 50, 255], [200, 100, 50, 0], [200, 100, 50, 51]]], dtype=np.uint8)
    decoded = decode_image(encoded(Image.fromarray(rgba)))
    np.testing.assert_array_equal(decoded, [[[200, 100, 50], [0, 0, 0], [40, 20, 10]]])


def test_a_transparent_palette_entry_is_laid_over_black() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([0, 1])
    np.testing.assert_array_equal(decode_image(encoded(image, transparency=0)), [[[0, 0, 0], [40, 50, 60]]])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    decoded = decode_image(encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True))
    np.testing.assert_array_equal(decoded, np.broadcast_to([255, 0, 0], (4, 4, 3)))


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda stored: stored),
        (2, np.fliplr),
        (3, lambda stored: np.rot90(stored, 2)),
        (4, np.flipud),
        (5, lambda stored: np.transpose(stored, (1, 0, 2))),
        (6, lambda stored: np.rot90(stored, -1)),
        (7, lambda stored: np.rot90(np.transpose(stored, (1, 0, 2)), 2)),
        (8, np.rot90),
    ],
)
def test_exif_orientation_turns_the_image_upright(
    tmp_path: Path, orientation: int, upright: Callable[[np.ndarray], np.ndarray]
) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(PIXELS).save(path, exif=exif)
    np.testing.assert_array_equal(decode_image(path), upright(PIXELS))
    assert read_image_size(path) == upright(PIXELS).shape[:2]


def test_read_image_size_does_not_decode(tmp_path: Path) -> None:
    path = tmp_path / "header_only.png"
    path.write_bytes(png_header(width=300, height=700))
    assert read_image_size(path) == (700, 300)


@pytest.mark.parametrize("read", [decode_image, read_image_size])
@pytest.mark.parametrize(
    ("content", "what", "got"),
    [
        (b"", "is empty", "0 bytes"),
        (b"%PDF-1.7 not an image", "is not an image", "%PDF-1.7"),
        (b"GIF89a", "cannot be decoded", None),
    ],
)
def test_a_file_without_an_image_is_an_error_that_names_it(
    tmp_path: Path, read: Callable[[Path], object], content: bytes, what: str, got: str | None
) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        read(path)
    assert caught.value.what.startswith(f"{path} {what}")
    assert got is None or got in (caught.value.got or "")
    assert caught.value.expected
    assert caught.value.cure


@pytest.mark.parametrize("read", [decode_image, read_image_size, read_image_bytes])
def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(ImageError) as missing:
        read(tmp_path / "none.jpg")
    assert missing.value.got == "No such file or directory"
    with pytest.raises(ImageError) as folder:
        read(tmp_path)
    assert folder.value.got == "a folder"
    with pytest.raises(ImageError) as impossible:
        read(tmp_path / "nul\0.jpg")
    assert "null" in (impossible.value.got or "")


def test_bytes_are_called_by_the_given_name() -> None:
    with pytest.raises(ImageError, match=r"^upload 7 is empty"):
        decode_image(b"", name="upload 7")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_truncated_image_is_an_error(tmp_path: Path, kind: str, kept: float) -> None:
    whole = encoded(Image.fromarray(PIXELS), kind)
    path = tmp_path / "half"
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode_image(path)


def test_pixels_of_32_bits_are_refused() -> None:
    with pytest.raises(ImageError) as caught:
        decode_image(encoded(Image.fromarray(np.ones((2, 2), dtype=np.float32)), "TIFF"))
    assert "32-bit" in (caught.value.got or "")


@pytest.mark.parametrize("side", [7_100, 10_000, 30_000])
def test_p11_more_pixels_than_allowed_are_refused_before_decoding_and_without_a_warning(side: int) -> None:
    with warnings.catch_warnings(record=True) as emitted:
        warnings.simplefilter("always")
        with pytest.raises(ImageError, match="too many pixels") as caught:
            decode_image(png_header(side, side))
    assert emitted == []
    assert f"{side:,} × {side:,}" in (caught.value.got or "")


def test_p11_a_larger_file_than_allowed_is_refused_before_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.bmp"
    Image.fromarray(PIXELS).save(path)
    monkeypatch.setattr(decode, "MAX_BYTES", path.stat().st_size)
    decode_image(path)
    monkeypatch.setattr(decode, "MAX_BYTES", path.stat().st_size - 1)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("the file was opened"))
    with pytest.raises(ImageError, match="too large"):
        decode_image(path)


@given(st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"]), st.data())
def test_p11_damaged_bytes_decode_or_raise_image_error(kind: str, data: st.DataObject) -> None:
    damaged = bytearray(encoded(Image.fromarray(PIXELS), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            decoded = decode_image(bytes(damaged))
        except ImageError:
            return
    assert decoded.ndim == 3


def test_market1501_images_are_128_by_64(market1501: Path) -> None:
    for folder in ("bounding_box_train", "query", "bounding_box_test"):
        paths = sorted((market1501 / folder).glob("*.jpg"))
        for path in paths[:: len(paths) // 5]:
            assert decode_image(path).shape == (128, 64, 3)
            np.testing.assert_array_equal(decode_image(path), np.asarray(Image.open(path)))
