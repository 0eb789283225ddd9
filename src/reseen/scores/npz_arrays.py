"""Read known arrays from an `.npz` file.

Nothing is unpickled, and all headers are checked before any array is given memory.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from reseen.errors import FeaturesError
from reseen.shapes import Shaped

MAX_BYTES = 4 * 2**30
"""Largest sum of the arrays' sizes: twice that of MSMT17 at 2048-d in float64."""

UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    EOFError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the standard library and numpy raise for a damaged, encrypted or foreign file."""


@dataclass(frozen=True)
class _Header:
    """What a stored array says of itself."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    stored_bytes: int

    @property
    def claimed_bytes(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape)

    @property
    def whole(self) -> bool:
        """Whether the array has at least one element, and all its elements are there."""
        return all(side >= 1 for side in self.shape) and self.claimed_bytes == self.stored_bytes


@dataclass(frozen=True)
class Wanted:
    """What an array must be.

    Attributes:
        description: for people to read.
        types: numpy's codes of the types that it may have.
        dimensions: how many it has; arrays with any are of one length.
        required: whether it must be there.
    """

    description: str
    types: str
    dimensions: int = 1
    required: bool = True


READ_HEADER = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_arrays(path: Path, wanted: Mapping[str, Wanted]) -> dict[str, Shaped[np.ndarray, "..."]]:
    """The wanted arrays of a file, by name; others are not looked at.

    Raises:
        FeaturesError: the file cannot be read, an array is missing or not as wanted, lengths differ, or it is too much.
    """
    arrays = {}
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for without end
            raise ValueError("a folder, a pipe or a device")
        with zipfile.ZipFile(path) as archive:
            members = set(archive.namelist())
            headers = {name: _header(archive, f"{name}.npy") for name in wanted if f"{name}.npy" in members}
            _check_headers(path, headers, wanted)
            for name in headers:
                with archive.open(f"{name}.npy") as stream:
                    arrays[name] = npy.read_array(stream, allow_pickle=False)
    except UNREADABLE as error:
        raise FeaturesError(
            f"cannot read the features in {path}",
            expected="an .npz file as numpy.savez writes it",
            got=f"{type(error).__name__}: {error}"[:300],
            cure="check the path, or write the file again",
        ) from error
    return arrays


def _header(archive: zipfile.ZipFile, member: str) -> _Header:
    info = archive.getinfo(member)
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise ValueError(f"{member} is compressed in a way that numpy does not use")
    with archive.open(info) as stream:
        version = npy.read_magic(stream)
        if version not in READ_HEADER:
            raise ValueError(f"{member} is in version {version} of numpy's format, which is for structured arrays")
        shape, _, dtype = READ_HEADER[version](stream)
        return _Header(shape, dtype, info.file_size - stream.tell())


def _check_headers(path: Path, headers: dict[str, _Header], wanted: Mapping[str, Wanted]) -> None:
    missing = {name for name, each in wanted.items() if each.required} - headers.keys()
    if missing:
        raise FeaturesError(
            f"{path} lacks {' and '.join(sorted(missing))}",
            expected="; ".join(f"{name}: {each.description}" for name, each in wanted.items()),
            got=", ".join(headers) or "none of these arrays",
            cure="save them with numpy.savez; only "
            + " and ".join(name for name, each in wanted.items() if not each.required)
            + " may be left out",
        )
    for name, header in headers.items():
        each = wanted[name]
        if not (header.whole and header.dtype.char in each.types and len(header.shape) == each.dimensions):
            raise FeaturesError(
                f"{name} in {path} cannot be used",
                expected=f"{each.description}, nothing of it missing",
                got=f"{header.dtype} of shape {header.shape} in {header.stored_bytes} bytes"[:200],
                cure=f"store {name} as described, and write the whole file again",
            )
    lengths = {name: header.shape[0] for name, header in headers.items() if header.shape}
    if len(set(lengths.values())) > 1:
        raise FeaturesError(
            f"the arrays in {path} differ in length",
            expected="one entry for each image",
            got=str(lengths),
            cure="write all arrays again, from the same images",
        )
    size = sum(header.claimed_bytes for header in headers.values())
    if size > MAX_BYTES:
        raise FeaturesError(
            f"{path} holds too much",
            expected=f"at most {MAX_BYTES:,} bytes",
            got=f"{size:,} bytes",
            cure="store the features as float16, or shorter ones",
        )
