"""The one place where files that are pickles are read: as data, against a list of what they may name.

Files of `torch.save` are read by `torch.load(weights_only=True)`, with numpy's numbers and arrays admitted on top, as
training scripts save them beside the weights. Everything else is taken for a plain pickle of arrays, as PaddlePaddle
saves them, and read by `PickleMachine`. Neither imports or calls what a file names.
"""

from __future__ import annotations

import zipfile
from io import BufferedIOBase
from pathlib import Path
from typing import cast

import torch

from reseen.errors import WeightsError
from reseen.models.foreign.pickle_machine import PickleMachine, Rest
from reseen.models.foreign.pickled import NUMPY
from reseen.models.foreign.rehearsal import Rehearsal
from reseen.models.weights_file import MAX_BYTES

ZIP = b"PK\x03\x04"
LEGACY = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""How the files of torch before 1.6 begin, after two bytes that say the pickle's version."""
LEGACY_PICKLES = 5
"""Such a file begins with that many pickles: magic number, version, machine, what was saved, names of its tensors."""
CURE = (
    "where you trust the file, open it with the software that wrote it and save its state dict alone: "
    "safetensors.torch.save_file(state_dict, 'weights.safetensors')"
)


def read_pickle(path: Path) -> object:
    """What a file of `torch.save` or `paddle.save` holds: dicts, lists, tuples, numbers, texts, tensors and `Array`s.

    Nothing that the file names is imported or called, whatever it is.

    Raises:
        WeightsError: it names something that weights do not need, is damaged, or is over `MAX_BYTES`.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(f"{size:,} bytes")
        with path.open("rb") as file:
            start = file.read(2 + len(LEGACY))
            file.seek(0)
            if start.startswith(ZIP):
                _check_archive(file)
                return _load(path)
            if start[2:] == LEGACY:
                for _ in range(LEGACY_PICKLES):
                    Rehearsal().run(Rest(file, size))
                return _load(path)
            return PickleMachine().run(Rest(file, size))
    except Exception as error:  # a file made to do harm can raise anything while it is taken apart
        raise WeightsError(
            f"{path} is not read",
            expected=f"arrays and numbers, saved by torch or PaddlePaddle, in at most {MAX_BYTES:,} bytes",
            got=str(error).partition("\n")[0][:500] or type(error).__name__,
            cure=CURE,
        ) from None


def _load(path: Path) -> object:
    with torch.serialization.safe_globals([(made_by, name) for name, made_by in NUMPY.items()]):
        return torch.load(path, map_location="cpu", weights_only=True)


def _check_archive(file: BufferedIOBase) -> None:
    """Refuse an archive that unpacks to more than is read, or whose pickle is out of bounds."""
    with zipfile.ZipFile(file) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MAX_BYTES:
            raise ValueError(f"an archive of {unpacked:,} bytes when unpacked")
        for member in archive.infolist():
            if member.filename.endswith(".pkl"):
                with archive.open(member) as pickled:
                    Rehearsal().run(Rest(cast("BufferedIOBase", pickled), member.file_size))
