"""`Bundle`: an opened bundle, every file of which is what it was when it was exported."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from reseen.bundle.description import FORMAT, Description, File, Model
from reseen.bundle.external_data import external_files
from reseen.bundle.shipped import require_own
from reseen.errors import BundleError, StorageError
from reseen.files import make_folder, write_whole
from reseen.strict import read_json

DESCRIPTION = "bundle.json"
CALIBRATION = "calibration.json"
CARD = "README.md"
MAX_DESCRIPTION_BYTES = 4 * 2**20


@dataclass(frozen=True, repr=False)
class Bundle:
    """A folder with a model in one or more formats, and what is needed to use it as it was trained.

    Examples:
        >>> import reseen
        >>> with reseen.load() as embedder:
        ...     bundle = embedder.bundle
        >>> bundle
        <Bundle default: 160 numbers an image, onnx fp16, calibrated>
        >>> bundle.description.training_data.name
        'Market-1501'

    Attributes:
        folder: where it is.
        description: what stands in its `bundle.json`.
    """

    folder: Path
    description: Description

    def __repr__(self) -> str:
        told, calibrated = self.description, "not calibrated" if self.calibration is None else "calibrated"
        models = ", ".join(f"{each.format} {each.precision}" for each in told.models)
        return f"<Bundle {told.name}: {told.feature_size} numbers an image, {models or 'no model'}, {calibrated}>"

    def path(self, model: Model) -> Path:
        """The file of a model that an engine opens."""
        return self.folder / model.files[0]

    @property
    def calibration(self) -> Path | None:
        """The file that says what scores mean; None where nothing was calibrated."""
        return self.folder / CALIBRATION if CALIBRATION in self.description.files else None


def open_bundle(folder: Path) -> Bundle:
    """Open a bundle and check every file of it.

    Raises:
        BundleError: there is none; its path is no text; it was written by a newer version; a file is missing, another
            than was exported, or reads what lies outside the bundle.
    """
    _require_plain_name(folder)
    description = _read_description(folder / DESCRIPTION)
    for name, file in description.files.items():
        _check_file(folder / name, file)
    for model in description.models:
        if model.format == "onnx":
            _check_external(folder / model.files[0], model)
    return Bundle(folder, description)


def write_bundle(folder: Path, description: Description, contents: Mapping[str, bytes]) -> Bundle:
    """Write files into a bundle, then the description that lists them: until then what was there stays valid.

    Args:
        folder: made where it is missing. Files in it that the description does not list are left alone.
        description: of the bundle as it will be; its `files` are those of files that stay.
        contents: files to write, by name.

    Raises:
        BundleError: the folder's path is no text.
        UsageError: there is a file in the folder's place; it is the bundle that comes with reseen.
        StorageError: something cannot be written.
    """
    _require_plain_name(folder)
    require_own(folder)
    make_folder(folder)
    written: list[Path] = []
    try:
        for name, content in contents.items():
            if not (folder / name).exists():
                written.append(folder / name)
            write_whole(folder / name, content)
    except StorageError:
        for path in written:  # else they would be in the way of the next export
            path.unlink(missing_ok=True)
        raise
    files = description.files | {name: file_of(content) for name, content in contents.items()}
    whole = Description.model_validate(description.model_dump() | {"files": files})
    write_whole(folder / DESCRIPTION, whole.model_dump_json(indent=1) + "\n")
    return Bundle(folder, whole)


def file_of(content: bytes) -> File:
    """How `bundle.json` lists a file of this content."""
    return File(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def _require_plain_name(folder: Path) -> None:
    """Refuse a folder whose path is no text: ONNX Runtime and MNN cannot open a file in it."""
    try:
        str(folder.absolute()).encode()
    except UnicodeEncodeError:
        raise BundleError(
            f"the path of the bundle {folder} is not UTF-8",
            expected="a path in UTF-8",
            got=repr(os.fsencode(folder)),
            cure="rename the folder, or choose another",
        ) from None


def _read_description(path: Path) -> Description:
    def refuse(got: str) -> BundleError:
        return BundleError(
            f"cannot open the bundle {path.parent}",
            expected=f"a folder with the {DESCRIPTION} that reseen export writes",
            got=got,
            cure="check the path, or export again: reseen export",
        )

    _check_version(path, read_json(path, _Versioned, MAX_DESCRIPTION_BYTES, refuse).format)
    return read_json(path, Description, MAX_DESCRIPTION_BYTES, refuse)


class _Versioned(BaseModel):
    """What a description of any version says of its version."""

    format: Any = None


def _check_version(path: Path, version: object) -> None:
    if isinstance(version, int) and version > FORMAT:
        raise BundleError(
            f"{path.parent} was written by a newer version of reseen",
            expected=f"a bundle of format {FORMAT} or older",
            got=f"format {version}",
            cure="install a newer version of reseen",
        )


def _check_file(path: Path, file: File) -> None:
    try:
        size, found = path.stat().st_size, ""
        if size == file.bytes and path.is_file():
            found = _sha256(path)
    except OSError as error:
        raise _changed(path, file, error.strerror or str(error)) from None
    if found != file.sha256:
        raise _changed(path, file, f"{size:,} bytes" if size != file.bytes else f"SHA-256 {found}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_external(path: Path, model: Model) -> None:
    outside = sorted(external_files(path) - set(model.files))
    if outside:
        raise BundleError(
            f"{path} reads weights from a file that is not part of the bundle",
            expected=f"one of {', '.join(model.files)}",
            got=", ".join(map(repr, outside))[:300],
            cure="do not use this bundle unless you know who made it; export the model again",
        )


def _changed(path: Path, file: File, got: str) -> BundleError:
    return BundleError(
        f"{path} is not the file that was exported",
        expected=f"{file.bytes:,} bytes with SHA-256 {file.sha256}",
        got=got,
        cure="copy the whole bundle again, or export it again",
    )
