"""Which files an ONNX file reads its weights from, found without an ONNX library.

An ONNX file is a protocol buffer. Only the fields that can lead to a tensor are followed; numbers are those of
`onnx.proto` (ONNX 1.23, IR version 13).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path

from reseen.errors import BundleError

MAX_DEPTH = 64
"""Deepest nesting of messages that is followed; graphs within graphs."""

_FIELDS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_VARINT, _BYTES = 0, 2
_FIXED: Mapping[int, int] = {1: 8, 5: 4}
"""Bytes of numbers of a fixed size, by wire type."""
_LOCATION = b"location"


def external_files(path: Path) -> set[str]:
    """Names, as they are written in an ONNX file, of the files that its weights are in; empty when it holds them all.

    Raises:
        BundleError: it is not an ONNX file.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return set(_locations(content, 0, len(content), "model"))
    except (OSError, ValueError, IndexError) as error:
        raise BundleError(
            f"{path} is not a whole ONNX file",
            expected="a protocol buffer as onnx.proto describes it",
            got=str(error)[:300] or type(error).__name__,
            cure="export it again",
        ) from None


def _locations(content: mmap.mmap, start: int, end: int, message: str, depth: int = 0) -> Iterator[str]:
    """The locations that a message names, which lies between two places of the content."""
    if depth > MAX_DEPTH:
        raise ValueError(f"messages are nested more than {MAX_DEPTH} deep")
    for number, value, after in _fields(content, start, end):
        kind = _FIELDS[message].get(number)
        if kind == "entry":
            parts = {key: content[first:last] for key, first, last in _fields(content, value, after)}
            if parts.get(1) == _LOCATION:
                yield parts.get(2, b"").decode()
        elif kind is not None:
            yield from _locations(content, value, after, kind, depth + 1)


def _fields(content: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each field of a message that has a length."""
    place = start
    while place < end:
        tag, place = _varint(content, place)
        wire = tag & 7
        if wire == _VARINT:
            _, place = _varint(content, place)
            continue
        length, place = (_FIXED[wire], place) if wire in _FIXED else _length(content, place, wire)
        if place + length > end:
            raise ValueError(f"a field at byte {place} reaches beyond its message")
        if wire == _BYTES:
            yield tag >> 3, place, place + length
        place += length


def _length(content: mmap.mmap, place: int, wire: int) -> tuple[int, int]:
    if wire != _BYTES:
        raise ValueError(f"unknown wire type {wire} at byte {place}")
    return _varint(content, place)


def _varint(content: mmap.mmap, place: int) -> tuple[int, int]:
    """A number of 7 bits a byte, lowest first, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError(f"a number of more than ten bytes at byte {place}")
