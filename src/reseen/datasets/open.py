"""One way in: `open_dataset` finds out what a path is and reads it; `open_datasets` reads several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reseen.datasets.folders import read_folders
from reseen.datasets.manifest import Manifest
from reseen.datasets.manifest_file import MANIFEST_SUFFIXES, read_manifest_file
from reseen.datasets.market1501 import find_market1501, read_market1501
from reseen.datasets.merge import name_apart
from reseen.errors import DatasetError

DatasetSource = str | Path | Manifest
"""A dataset: where it is, or what was read of it."""


def open_dataset(source: DatasetSource) -> Manifest:
    r"""Read the dataset at a path; one that was read before is returned as it is.

    It may be a CSV or parquet manifest, a folder that holds `manifest.csv` or `manifest.parquet`, Market-1501 (the
    folder itself, or one at most two levels below), or a folder with a folder for each person.

    Examples:
        >>> import pathlib, tempfile, reseen
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table = pathlib.Path(folder, "people.csv")
        ...     _ = table.write_text("path,person,camera\na.jpg,anna,hall\nb.jpg,anna,door\n")
        ...     people = reseen.open_dataset(table)
        >>> [(sample.person, sample.camera) for sample in people.samples]
        [('anna', 'hall'), ('anna', 'door')]

    Raises:
        DatasetError: there is nothing at the path, or nothing that can be read as a dataset.
    """
    if isinstance(source, Manifest):
        return source
    path = Path(source)
    try:
        return _open(path)
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read",
            expected="a dataset",
            got=error.strerror,
            cure="check the path and its permissions",
        ) from error


def open_datasets(sources: DatasetSource | Sequence[DatasetSource], option: str) -> tuple[Manifest, ...]:
    """Read the datasets that an option names, each as `open_dataset` does, and give them different names.

    Args:
        sources: one dataset, or several.
        option: how the user named them, for errors.

    Raises:
        DatasetError: one of them cannot be read.
        UsageError: one of them is listed twice.
    """
    several = [sources] if isinstance(sources, str | Path | Manifest) else sources
    reserved = ("mean", "calibration_people", "held_out") if len(several) > 1 else ()
    return name_apart([open_dataset(source) for source in several], option, reserved=reserved)


def _open(path: Path) -> Manifest:
    if path.is_file():
        return read_manifest_file(path)
    if not path.is_dir():
        exists = path.exists()  # a device, for example
        raise DatasetError(
            f"{path} is neither a file nor a folder" if exists else f"{path} does not exist",
            expected="a dataset: Market-1501, a folder for each person, or a CSV or parquet manifest",
            got="something else" if exists else "nothing at this path",
            cure="check the path",
        )
    for suffix in MANIFEST_SUFFIXES:
        if (file := path / f"manifest{suffix}").is_file():
            return read_manifest_file(file)
    if (market1501 := find_market1501(path)) is not None:
        return read_market1501(market1501)
    return read_folders(path)
