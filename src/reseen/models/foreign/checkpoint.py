"""The arrays of a foreign checkpoint by name, wherever in its file they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reseen.errors import WeightsError
from reseen.models.foreign.pickled import Array
from reseen.models.foreign.restricted_pickle import read_pickle
from reseen.models.weights_file import MAX_BYTES, SUFFIXES, read_weights
from reseen.models.weights_report import first

KEPT_UNDER = ("model", "state_dict")
"""Where training scripts put the weights when they save other things beside them."""
PARALLEL = "module."
"""Before every name where the network was wrapped to train on several devices."""
NAME_TABLE = "StructuredToParameterName@@"
"""PaddlePaddle's own names of the arrays, kept beside them."""
MAX_ENTRIES = 100_000
MAX_SHARED = 4
"""How many times a file's own bytes its arrays may have: tied weights are there once, and named twice."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Every array of a checkpoint, by the name it has there, on the CPU.

    Args:
        path: of `torch.save` or `paddle.save`, whatever its suffix; or `.safetensors` or `.npz`.

    Raises:
        WeightsError: it cannot be read, or what it holds is not arrays by name.
    """
    if not path.is_file():
        raise WeightsError(f"{path} does not exist", expected="a file of weights", got="no file", cure="check the path")
    if path.suffix in SUFFIXES:
        return _unwrapped(read_weights(path))
    held = read_pickle(path)
    for key in KEPT_UNDER:
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
    if not isinstance(held, Mapping):
        raise _not_weights(path, f"a {type(held).__name__}")
    values = {name: _array(value) for name, value in held.items() if name != NAME_TABLE}
    others = [name for name, value in values.items() if value is None]
    if others or not values or len(values) > MAX_ENTRIES:
        raise _not_weights(path, f"{len(values):,} entries" + (f"; not arrays: {first(others)}" if others else ""))
    arrays = {name: value for name, value in values.items() if value is not None}
    size = sum(_bytes(value) for value in arrays.values())  # before any is copied: a file can name one very often
    if size > min(MAX_BYTES, MAX_SHARED * path.stat().st_size):
        raise _not_weights(path, f"{size:,} bytes of arrays in a file of {path.stat().st_size:,}")
    return _unwrapped({name: _tensor(value) for name, value in arrays.items()})


def _array(value: Any) -> Tensor | Array | None:
    """The array that an entry is, or that it holds beside its name, as newer PaddlePaddle saves them."""
    if isinstance(value, tuple) and len(value) == 2:
        _, value = value
    return value if isinstance(value, Tensor | Array) else None


def _bytes(value: Tensor | Array) -> int:
    return value.values.nbytes if isinstance(value, Array) else value.numel() * value.element_size()


def _tensor(value: Tensor | Array) -> Tensor:
    if isinstance(value, Tensor):
        return value.clone(memory_format=torch.contiguous_format)
    native = value.values.astype(value.values.dtype.newbyteorder("="))  # also a copy that may be written to
    return torch.from_numpy(native)


def _unwrapped(entries: dict[str, Tensor]) -> dict[str, Tensor]:
    wrapped = all(name.startswith(PARALLEL) for name in entries)
    return {name.removeprefix(PARALLEL): entry for name, entry in entries.items()} if wrapped else entries


def _not_weights(path: Path, got: str) -> WeightsError:
    return WeightsError(
        f"{path} holds no weights",
        expected=f"arrays by name, at the top or under {' or '.join(KEPT_UNDER)}: at most {MAX_ENTRIES:,} of them",
        got=got,
        cure="check that it is a checkpoint and not, for example, an optimizer's state",
    )
