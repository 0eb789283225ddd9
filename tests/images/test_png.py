from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reseen.images.png import SIGNATURE, require_whole

INFLATER = zlib.decompressobj
PIXELS = np.random.default_rng(0).integers(0, 256, (37, 23, 3), dtype=np.uint8)


def saved(image: Image.Image, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, rows: bytes, *, interlaced: bool = False, depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def is_whole(content: bytes) -> bool:
    try:
        require_whole(content)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "I;16"])
def test_what_pillow_saves_is_whole(mode: str) -> None:
    grey = Image.fromarray(PIXELS[..., 0].astype(np.uint16) << 8)
    assert is_whole(saved(grey if mode == "I;16" else Image.fromarray(PIXELS).convert(mode)))


def test_an_animation_is_whole() -> None:
    frames = [Image.fromarray(PIXELS), Image.fromarray(PIXELS[::-1].copy())]
    assert is_whole(saved(frames[0], save_all=True, append_images=frames[1:]))


@given(width=st.integers(1, 20), height=st.integers(1, 20), depth=st.sampled_from([1, 2, 4, 8, 16]))
def test_interlaced_rows_are_counted_as_pixels_are_dealt_to_passes(width: int, height: int, depth: int) -> None:
    """Which pass each pixel of an 8×8 block is in, as the specification draws it."""
    drawn = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"]
    counts = {number: [0] * height for number in "1234567"}
    for row in range(height):
        for column in range(width):
            counts[drawn[row % 8][column % 8]][row] += 1
    stored = sum(1 + -(-pixels * depth // 8) for rows in counts.values() for pixels in rows if pixels)

    assert is_whole(png(width, height, bytes(stored), interlaced=True, depth=depth, colour=0))
    with pytest.raises(ValueError, match="rows are missing"):
        require_whole(png(width, height, bytes(stored - 1), interlaced=True, depth=depth, colour=0))


@pytest.mark.parametrize("rows", [0, 1, 18, 36])
def test_missing_rows_are_found(rows: int) -> None:
    with pytest.raises(ValueError, match="rows are missing"):
        require_whole(png(23, 37, bytes(rows * (1 + 3 * 23))))


def test_a_file_that_was_cut_off_is_found_wherever_it_was() -> None:
    whole = saved(Image.fromarray(PIXELS))
    for end in range(len(SIGNATURE), len(whole), 7):
        with pytest.raises(ValueError, match=r"missing|header is damaged"):
            require_whole(whole[:end])


@pytest.mark.parametrize("chunks", [1, 1000])
def test_more_data_than_the_rows_need_is_not_unpacked(chunks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 MB wait behind the one row that is needed, in one chunk or in many."""
    start, end = png(1, 1, b"").split(chunk(b"IDAT", zlib.compress(b"")))
    packed = zlib.compress(bytes(50_000_000))
    size = -(-len(packed) // chunks)
    more = b"".join(chunk(b"IDAT", packed[place : place + size]) for place in range(0, len(packed), size))
    unpacked: list[int] = []

    class Counting:
        """An inflater that notes how much it gives."""

        def __init__(self) -> None:
            self.inflater = INFLATER()

        def decompress(self, content: bytes, *most: int) -> bytes:
            found = self.inflater.decompress(content, *most)
            unpacked.append(len(found))
            return found

        @property
        def unconsumed_tail(self) -> bytes:
            return self.inflater.unconsumed_tail

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    assert is_whole(start + more + end)
    assert 4 <= sum(unpacked) <= 2**16
