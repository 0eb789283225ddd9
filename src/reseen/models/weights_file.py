"""Weight files: safetensors and npz, which hold arrays and nothing that could run."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from reseen.errors import WeightsError

SUFFIXES = (".safetensors", ".npz")
"""What is read; the first is preferred where a path without a suffix fits both."""
PICKLE_SUFFIXES = frozenset({".pth", ".pt", ".tar", ".ckpt", ".bin", ".pkl", ".pdparams"})
MAX_BYTES = 4 * 2**30
"""Largest file, and largest content of a compressed one."""
UNREADABLE = (
    *(OSError, EOFError, KeyError, MemoryError, RuntimeError, TypeError, ValueError),
    *(safetensors.SafetensorError, zipfile.BadZipFile, zlib.error),
)
"""What the readers raise on damaged files."""


def resolve_weights(path: Path) -> Path:
    """The weight file at a path that may leave out its suffix.

    Raises:
        WeightsError: there is none, or it is of a format that is not read.
    """
    if path.suffix.lower() in PICKLE_SUFFIXES:
        raise WeightsError(
            f"{path} is not opened: it is a pickle, and opening a pickle can run any code in it",
            expected=f"a {' or '.join(SUFFIXES)} file",
            got=path.suffix,
            cure="read it as data: reseen models import FILE --from SOURCE --model RECIPE --output WEIGHTS.safetensors",
        )
    tried = [path] if path.suffix in SUFFIXES else [Path(f"{path}{suffix}") for suffix in SUFFIXES]
    for candidate in tried:
        if _is_file(candidate):
            return candidate
    raise WeightsError(
        f"no weights at {path}",
        expected=f"a {' or '.join(SUFFIXES)} file; the suffix may be left out",
        got=f"no file {' or '.join(candidate.name for candidate in tried)} in {path.absolute().parent}",
        cure="check the path",
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long, or a folder that may not be entered
        return False


def read_weights(path: Path) -> dict[str, Tensor]:
    """All arrays of a weight file by name, on the CPU, as they are stored.

    Args:
        path: as `resolve_weights` gives it.

    Raises:
        WeightsError: the file is damaged, holds something other than arrays of numbers, or is over `MAX_BYTES`.
    """
    try:
        _check_size(path, path.stat().st_size)
        return safetensors.torch.load_file(path) if path.suffix == ".safetensors" else _read_npz(path)
    except UNREADABLE as error:
        raise _damaged(path, error) from error


def read_header(path: Path) -> dict[str, str]:
    """The texts that a safetensors file carries beside its arrays; other files carry none.

    Args:
        path: as `resolve_weights` gives it.

    Raises:
        WeightsError: the file is damaged.
    """
    if path.suffix != ".safetensors":
        return {}
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except UNREADABLE as error:
        raise _damaged(path, error) from error


def _read_npz(path: Path) -> dict[str, Tensor]:
    with zipfile.ZipFile(path) as archive:  # numpy alone would take a renamed .npy or pickle as well
        _check_size(path, sum(member.file_size for member in archive.infolist()))
    with np.load(path, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def _check_size(path: Path, size: int) -> None:
    if size > MAX_BYTES:
        raise WeightsError(
            f"{path} is too large to read",
            expected=f"at most {MAX_BYTES:,} bytes of weights",
            got=f"{size:,} bytes",
            cure="leave optimizer states out of the file, and store float32 or float16",
        )


def _damaged(path: Path, error: Exception) -> WeightsError:
    return WeightsError(
        f"{path} cannot be read",
        expected=f"a whole {path.suffix} file of arrays of numbers",
        got=str(error)[:500] or type(error).__name__,
        cure="fetch or save it again",
    )
