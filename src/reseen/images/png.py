"""Whether a PNG is all there: Pillow leaves rows black that its data does not hold, and says nothing."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By the colour type (PNG specification, 3rd edition, table 11.1)."""
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row, and steps between columns and rows, of each pass of Adam7 (ibid., 8.1)."""
_AT_A_TIME = 2**16


def require_whole(png: bytes) -> None:
    """Check that a PNG holds all its rows and its end.

    Args:
        png: bytes that begin with `SIGNATURE`.

    Raises:
        ValueError: something is missing, or its data is damaged.
    """
    chunks = _chunks(png)
    kind, header = next(chunks, (b"", b""))
    if kind != b"IHDR" or len(header) != 13 or header[9] not in _CHANNELS:
        raise ValueError("the header is damaged")
    missing = _stored_bytes(header)
    inflater = zlib.decompressobj()
    for kind, content in chunks:
        waiting = content if kind == b"IDAT" else b""
        while waiting and missing > 0:
            missing -= len(inflater.decompress(waiting, _AT_A_TIME))
            waiting = inflater.unconsumed_tail
    if missing > 0:
        raise ValueError("rows are missing")
    if kind != b"IEND":
        raise ValueError("the end is missing")


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of every chunk that is whole, up to the end mark."""
    place, kind = len(SIGNATURE), b""
    while place + 12 <= len(png) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", png, place)
        if place + 12 + length > len(png):
            return
        yield kind, png[place + 8 : place + 8 + length]
        place += 12 + length


def _stored_bytes(header: bytes) -> int:
    """Bytes of all rows, each with one that names its filter."""
    width, height, depth, colour = struct.unpack_from(">IIBB", header)
    parts = _PASSES if header[12] else ((0, 0, 1, 1),)
    sizes = [(-(-(width - left) // across), -(-(height - top) // down)) for left, top, across, down in parts]
    return sum(rows * (1 + -(-columns * depth * _CHANNELS[colour] // 8)) for columns, rows in sizes if columns > 0)
