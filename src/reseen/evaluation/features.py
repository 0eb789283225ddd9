"""Read stored features: an `.npz` file with `features`, `persons`, `splits` and, if known, `cameras`.

Nothing in the file is unpickled, and all headers are checked before any array is given memory.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped
from numpy.lib import format as npy

from reseen.errors import FeaturesError
from reseen.evaluation.labels import Labels
from reseen.evaluation.normalise import row_peaks
from reseen.evaluation.protocol import RetrievalSet

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
class _Wanted:
    """What an array must be."""

    description: str
    types: str
    dimensions: int = 1


WANTED = {
    "features": _Wanted("float16, float32 or float64, (n, d)", "efd", dimensions=2),
    "persons": _Wanted("integers, (n,)", np.typecodes["AllInteger"]),
    "splits": _Wanted("strings, (n,)", "US"),
    "cameras": _Wanted("integers, (n,)", np.typecodes["AllInteger"]),
}
OPTIONAL = {"cameras"}
READ_HEADER = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_features(path: Path) -> RetrievalSet:
    """Read the retrieval set stored in `path`.

    The arrays: `features` (n, d), any norm but zero; `persons` (n,), 0 = distractor, -1 = junk; `splits` (n,), each
    `query` or `gallery`; optional `cameras` (n,), -1 = unknown. Other arrays are not looked at.

    Raises:
        FeaturesError: the file cannot be read, an array is missing or not as described, or there is nothing to
            evaluate.
    """
    arrays = _read_arrays(path)
    features, splits = arrays["features"], arrays["splits"]
    # Checked here as well as in each part, so that an error names the row of the file.
    labels = Labels.of(path.name, len(features), arrays["persons"], arrays.get("cameras"), None)
    row_peaks(features, path.name)
    query, gallery = (splits == np.array(word).astype(splits.dtype.kind) for word in ("query", "gallery"))
    neither = np.flatnonzero(~(query | gallery))
    if neither.size:
        raise FeaturesError(
            f"{path} has an unknown split in row {neither[0]} (counted from 0)",
            expected="'query' or 'gallery'",
            got=repr(splits[neither[0]].item())[:80],
            cure="store only the images to evaluate, each with its part of the protocol",
        )
    return RetrievalSet.of(
        query_features=features[query],
        gallery_features=features[gallery],
        query_persons=labels.persons[query],
        gallery_persons=labels.persons[gallery],
        query_cameras=labels.cameras[query],
        gallery_cameras=labels.cameras[gallery],
    )


def _read_arrays(path: Path) -> dict[str, Shaped[np.ndarray, "..."]]:
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = set(archive.namelist())
            headers = {name: _header(archive, f"{name}.npy") for name in WANTED if f"{name}.npy" in members}
            _check_headers(path, headers)
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


def _check_headers(path: Path, headers: dict[str, _Header]) -> None:
    missing = WANTED.keys() - OPTIONAL - headers.keys()
    if missing:
        raise FeaturesError(
            f"{path} lacks {' and '.join(sorted(missing))}",
            expected="; ".join(f"{name}: {wanted.description}" for name, wanted in WANTED.items()),
            got=", ".join(headers) or "none of these arrays",
            cure="save them with numpy.savez; only cameras may be left out",
        )
    for name, header in headers.items():
        wanted = WANTED[name]
        if not (header.whole and header.dtype.char in wanted.types and len(header.shape) == wanted.dimensions):
            raise FeaturesError(
                f"{name} in {path} cannot be used",
                expected=f"{wanted.description}, nothing of it missing",
                got=f"{header.dtype} of shape {header.shape} in {header.stored_bytes} bytes"[:200],
                cure=f"store {name} as described, and write the whole file again",
            )
    lengths = {name: header.shape[0] for name, header in headers.items()}
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
