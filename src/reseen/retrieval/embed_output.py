"""The files that features are stored in, written a part at a time."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from reseen.errors import UsageError
from reseen.shapes import Float32

ROWS = 8192
"""Features in memory at a time."""


@dataclass(frozen=True)
class Stored:
    """Features on disk, with what is to be told of them.

    Attributes:
        path: file of the bare features, row after row of little-endian float32.
        width: numbers in a row.
        names: of the rows.
        feature_space: which features they can be compared with.
    """

    path: Path
    width: int
    names: Sequence[str]
    feature_space: str

    def parts(self) -> Iterator[tuple[Sequence[str], Float32[np.ndarray, "n d"]]]:
        """Names and features, in their order."""
        with self.path.open("rb") as file:
            for start in range(0, len(self.names), ROWS):
                names = self.names[start : start + ROWS]
                rows = np.fromfile(file, dtype="<f4", count=len(names) * self.width)
                yield names, rows.reshape(len(names), self.width)


def writer_for(output: Path) -> Callable[[Stored, Path], None]:
    """What writes the kind of file that an output's name asks for.

    Raises:
        UsageError: there is no such kind; its library is missing.
    """
    if output.suffix == ".npz":
        return write_npz
    if output.suffix == ".parquet":
        _require_pyarrow(output)
        return write_parquet
    raise UsageError(
        f"features cannot be stored as {output.name}",
        expected="a name that ends in .npz or .parquet",
        got=output.suffix or "no ending",
        cure="change the name",
    )


def write_npz(stored: Stored, path: Path) -> None:
    """Arrays `features` (n, d) float32, `names` (n,) strings, `feature_space` () string; no pickles."""
    count = len(stored.names)
    kind = np.dtype(f"<U{max(map(len, stored.names), default=1)}")
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("features.npy", "w", force_zip64=True) as member:
            shape = {"descr": "<f4", "fortran_order": False, "shape": (count, stored.width)}
            npy.write_array_header_1_0(member, shape)
            for _, features in stored.parts():
                member.write(features.tobytes())
        compressed = zipfile.ZipInfo("names.npy")
        compressed.compress_type = zipfile.ZIP_DEFLATED  # four bytes a character, most of them zero
        with archive.open(compressed, "w", force_zip64=True) as member:
            npy.write_array_header_1_0(member, {"descr": kind.str, "fortran_order": False, "shape": (count,)})
            for start in range(0, count, ROWS):
                member.write(np.array(stored.names[start : start + ROWS], dtype=kind).tobytes())
        with archive.open("feature_space.npy", "w") as member:
            npy.write_array(member, np.array(stored.feature_space), allow_pickle=False)


def write_parquet(stored: Stored, path: Path) -> None:
    """Columns `name` and `features`, a list of float32 of fixed length; `feature_space` is in the file's metadata.

    What of a name is not UTF-8 is written as an escape sequence.
    """
    import pyarrow as arrow  # noqa: PLC0415 - heavy, and not part of the core install
    from pyarrow import parquet  # noqa: PLC0415

    rows = arrow.list_(arrow.float32(), stored.width)
    metadata = {"feature_space": stored.feature_space}
    schema = arrow.schema([("name", arrow.string()), ("features", rows)], metadata=metadata)
    with parquet.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for names, features in stored.parts():
            readable = [name.encode("utf-8", "backslashreplace").decode() for name in names]
            flat = arrow.array(features.ravel())
            columns = [arrow.array(readable), arrow.FixedSizeListArray.from_arrays(flat, stored.width)]
            writer.write_table(arrow.table(columns, schema=schema))


def _require_pyarrow(output: Path) -> None:
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415
    except ImportError as error:
        raise UsageError(
            f"{output.name} cannot be written without pyarrow",
            expected="pyarrow installed",
            got=str(error),
            cure="pip install '.[parquet]' in a clone of reseen, or store the features as .npz",
        ) from None
