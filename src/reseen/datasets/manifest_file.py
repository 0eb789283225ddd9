"""Reader of CSV and parquet manifests: one row for an image, columns `path,person` and optional `camera,time,split`."""

from __future__ import annotations

import csv
import difflib
import os
from collections.abc import Iterator
from pathlib import Path

from reseen.datasets.manifest import SPLITS, Manifest, Sample, Split
from reseen.errors import DatasetError

MANIFEST_SUFFIXES = (".csv", ".parquet")
MAX_BYTES = 2**30
"""Largest manifest that is read; for parquet, of the columns that are used, in memory."""
MAX_ROWS = 10_000_000
"""Most rows that are read."""
REQUIRED = ("path", "person")
COLUMNS = (*REQUIRED, "camera", "time", "split")

Row = tuple[str, dict[str, str]]
"""Where a row stands ("line 2"), and its cells by column."""


def read_manifest_file(path: Path) -> Manifest:
    """Read a manifest; images keep the order of its rows.

    Relative paths start at the manifest's folder and may lead out of it (`..`). Values are text, without the blanks
    around them; an empty camera or time is one that is not known. Other columns are passed over. Either every row
    names its part of the protocol (`train`, `query` or `gallery`) or none does.

    Raises:
        DatasetError: the file cannot be read, is over `MAX_BYTES` or `MAX_ROWS`, lacks a column, or has a row that
            is not valid; the message names the row.
    """
    suffix = path.suffix.lower()
    if suffix not in MANIFEST_SUFFIXES:
        raise DatasetError(
            f"{path} is not a manifest",
            expected="a .csv or .parquet file",
            got=path.name,
            cure="give a manifest, or the dataset's folder",
        )
    rows = _csv_rows(path) if suffix == ".csv" else _parquet_rows(path)
    samples = _samples(path, rows)
    name = path.absolute().parent.name if path.stem == "manifest" else path.stem
    return Manifest(name=name, root=path, samples=samples)


def _csv_rows(path: Path) -> Iterator[Row]:
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise _too_large(path, f"{MAX_BYTES:,} bytes", f"{size:,} bytes")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_columns(path, header)
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise DatasetError(
                        f"{path}, line {reader.line_num}: the number of cells differs from the header",
                        expected=f"{len(header)} cells ({','.join(header)})",
                        got=f"{len(cells)} cells ({','.join(cells)[:200]})",
                        cure="put values with a comma in quotes",
                    )
                yield f"line {reader.line_num}", dict(zip(header, cells, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error) from error


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        import pyarrow as arrow  # noqa: PLC0415 (heavy, and not part of the core install)
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise DatasetError(
            f"{path} cannot be read without pyarrow",
            expected="pyarrow installed",
            got=str(error),
            cure="pip install '.[train]' in a clone of reseen, or use a CSV manifest",
        ) from error
    try:
        with parquet.ParquetFile(path) as file:
            header = file.schema_arrow.names
            _check_columns(path, header)
            wanted = [name for name in COLUMNS if name in header]
            size = read = 0
            for batch in file.iter_batches(batch_size=1024, columns=wanted):
                size += batch.nbytes
                if size > MAX_BYTES:
                    raise _too_large(path, f"{MAX_BYTES:,} bytes", f"{size:,} bytes and more")
                for place, cells in enumerate(batch.to_pylist(), start=read + 1):
                    yield f"row {place}", {name: "" if cell is None else str(cell) for name, cell in cells.items()}
                read += batch.num_rows
    except (OSError, arrow.ArrowException) as error:
        raise _unreadable(path, error) from error


def _samples(path: Path, rows: Iterator[Row]) -> tuple[Sample, ...]:
    samples: list[Sample] = []
    seen: dict[tuple[str, Split | None], str] = {}
    without_split = with_split = None
    for place, cells in rows:
        if len(samples) == MAX_ROWS:
            raise _too_large(path, f"{MAX_ROWS:,} rows", "more")
        sample = _sample(f"{path}, {place}", path.parent, {name: cell.strip() for name, cell in cells.items()})
        if (first := seen.setdefault((str(sample.path), sample.split), place)) != place:
            raise DatasetError(
                f"{path}, {place}: {sample.path} is listed twice",
                expected="each image once per part",
                got=f"also in {first}",
                cure="remove one of the rows",
            )
        if sample.split is None:
            without_split = without_split or place
        else:
            with_split = with_split or place
        samples.append(sample)
    if not samples:
        raise DatasetError(
            f"{path} lists no images",
            expected="one row per image",
            got="only a header",
            cure="add rows, or give the dataset's folder",
        )
    if with_split and without_split:
        raise DatasetError(
            f"{path}, {without_split}: a split is missing",
            expected=f"one of {', '.join(SPLITS)} in every row, or in none",
            got=f"a split in {with_split}, none in {without_split}",
            cure="fill in the split column, or remove it",
        )
    return tuple(samples)


def _sample(where: str, folder: Path, cells: dict[str, str]) -> Sample:
    for column in REQUIRED:
        if not cells[column]:
            raise DatasetError(
                f"{where}: the {column} is blank",
                expected=f"a {column}",
                got="nothing",
                cure="fill it in, or remove the row",
            )
    split = cells.get("split") or None
    if split is not None and split not in SPLITS:
        nearest = difflib.get_close_matches(split.lower(), SPLITS, n=1)
        raise DatasetError(
            f"{where}: unknown split",
            expected=", ".join(SPLITS),
            got=split,
            cure=f"write {nearest[0]}" if nearest else "use one of the expected words",
        )
    return Sample(
        path=Path(os.path.normpath(folder / cells["path"])),
        person=cells["person"],
        camera=cells.get("camera") or None,
        split=split,
        time=cells.get("time") or None,
    )


def _check_columns(path: Path, header: list[str]) -> None:
    for column in REQUIRED:
        if column not in header:
            raise DatasetError(
                f"{path} has no column {column}",
                expected=f"the columns {', '.join(REQUIRED)} and perhaps {', '.join(COLUMNS[len(REQUIRED) :])}",
                got=", ".join(header)[:500] or "an empty file",
                cure=_cure_of_header(header, column),
            )
    doubled = [column for column in COLUMNS if header.count(column) > 1]
    if doubled:
        raise DatasetError(
            f"{path} has the column {doubled[0]} twice",
            expected="once",
            got=", ".join(header)[:500],
            cure="remove or rename one of them",
        )


def _cure_of_header(header: list[str], column: str) -> str:
    """What to do about a header without the column."""
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        return "separate the columns with commas"
    nearest = difflib.get_close_matches(column, header, n=1, cutoff=0.5)
    return f"rename the column {nearest[0]} to {column}" if nearest else f"add the column {column}"


def _too_large(path: Path, limit: str, got: str) -> DatasetError:
    return DatasetError(
        f"{path} is too large", expected=f"at most {limit}", got=got, cure="split it into several manifests"
    )


def _unreadable(path: Path, error: Exception) -> DatasetError:
    return DatasetError(
        f"{path} cannot be read",
        expected="a CSV file in UTF-8, or a parquet file",
        got=str(error),
        cure="write the manifest again",
    )
