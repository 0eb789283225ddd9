"""Reads files of `torch.save`, the archives and those of before version 1.6, with the one reader of pickles.

torch's own reader is not used: it makes whatever a file asks for of what torch can make, and finds the records of an
archive otherwise than Python does, so that what is checked for it need not be what it reads.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any, ClassVar

import torch
from torch import Tensor

from reseen.models.foreign.pickle_machine import PickleMachine, Rest
from reseen.models.foreign.pickled import BUILTINS, are_sizes
from reseen.models.weights_file import MAX_BYTES
from reseen.shapes import Shaped

ARCHIVE = b"PK\x03\x04"
LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""How files of before version 1.6 begin: a pickle of a number."""
PICKLE = "/data.pkl"
DTYPES = {
    "torch.DoubleStorage": torch.float64,
    "torch.FloatStorage": torch.float32,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}


@dataclass(frozen=True)
class Storage:
    """Numbers that tensors are views of."""

    values: Shaped[Tensor, " n"]


FindStorage = Callable[[str, int], bytearray]
"""Bytes of a storage, by its key and how many there are."""


def tensor(storage: object, offset: Any, shape: Any, steps: Any, *_: object) -> Shaped[Tensor, "..."]:
    """Stands in for what torch rebuilds a tensor with.

    Raises:
        ValueError: it reaches beyond its storage, or has more than `MAX_BYTES` numbers.
    """
    if not (isinstance(storage, Storage) and are_sizes((offset,)) and are_sizes(shape) and are_sizes(steps)):
        raise ValueError("a tensor that is not described as torch describes them")
    last = offset + sum((side - 1) * step for side, step in zip(shape, steps, strict=True)) if all(shape) else -1
    if last >= len(storage.values) or math.prod(max(side, 1) for side in shape) > MAX_BYTES:
        raise ValueError(f"a tensor of shape {shape} in {len(storage.values):,} numbers")
    return storage.values.as_strided(shape, steps, offset if all(shape) else 0)


def parameter(values: object, *_: object) -> Shaped[Tensor, "..."]:
    """Stands in for `Parameter`; its attributes are left out.

    Raises:
        ValueError: it is not one of a tensor.
    """
    if not isinstance(values, Tensor):
        raise ValueError("a parameter that is no tensor")
    return values


def left_out(*_: object) -> None:
    """Stands in for what training saves beside the weights."""


TORCH: Mapping[str, object] = {
    **DTYPES,
    **{str(dtype): dtype for dtype in DTYPES.values()},
    **{f"torch._utils._rebuild_tensor{version}": tensor for version in ("", "_v2")},
    **{f"torch._utils._rebuild_parameter{kind}": parameter for kind in ("", "_with_state")},
    "torch.nn.parameter.Parameter": parameter,
    **dict.fromkeys(("torch.Size", "torch.device", "collections.Counter"), left_out),
    **{f"{builtin}.{kind}": left_out for builtin in BUILTINS for kind in ("set", "complex", "bytearray")},
}
"""Names that are admitted beside numpy's."""


class TorchMachine(PickleMachine):
    """What a pickle of torch's makes, with tensors besides.

    Args:
        find: is asked once for each storage.

    Attributes:
        storages: those that were found, by key.
    """

    steps: ClassVar[Mapping[str, str]] = {**PickleMachine.steps, "NEWOBJ": "_reduce", "BINPERSID": "_persistent"}

    def __init__(self, find: FindStorage) -> None:
        super().__init__()
        self._admitted.update(TORCH)
        self._find_storage = find
        self.storages: dict[str, Storage] = {}

    def _persistent(self, _: object) -> None:
        match self._pop():
            case ("storage", torch.dtype() as dtype, str(key), _, int(count)) | (
                "storage",
                torch.dtype() as dtype,
                str(key),
                _,
                int(count),
                None,
            ) if count >= 0:
                pass
            case _:
                raise ValueError("numbers that are not described as torch describes them")
        if key not in self.storages:
            content = self._find_storage(key, count * dtype.itemsize)
            values = torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
            self.storages[key] = Storage(values)
        storage = self.storages[key]
        if (storage.values.dtype, len(storage.values)) != (dtype, count):
            raise ValueError("numbers that are described in two ways")
        self._stack.append(storage)

    def _set_state(self, made: object, state: Any) -> None:
        if not isinstance(made, Tensor | dict):  # their attributes are left out
            super()._set_state(made, state)


def read_archive(file: BufferedIOBase, size: int) -> object:
    """What `torch.save` wrote.

    Args:
        file: the whole of it.
        size: its bytes.

    Raises:
        ValueError: it is no such archive, or names what is not admitted.
        Exception: it is damaged; whatever Python raises then.
    """
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        records = {member.filename: member for member in members}
        if len(records) < len(members):
            raise ValueError("an archive with records of one name")
        unpacked = sum(member.file_size for member in members)
        if unpacked > size or any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError(f"an archive that unpacks to {unpacked:,} bytes; torch does not compress")
        tops = [name.removesuffix(PICKLE) for name in records if name.endswith(PICKLE)]
        if len(tops) != 1:
            raise ValueError(f"an archive with {len(tops)} records {PICKLE[1:]}")
        order = records.get(f"{tops[0]}/byteorder")
        if order is not None and archive.read(order) != b"little":
            raise ValueError("an archive of a machine with another order of bytes")

        def find(key: str, length: int) -> bytearray:
            record = records.get(f"{tops[0]}/data/{key}")
            if record is None or record.file_size != length:
                raise ValueError(f"a storage {key[:20]!r} of {length:,} bytes, which is not in the archive")
            return bytearray(archive.read(record))

        pickled = archive.read(records[f"{tops[0]}{PICKLE}"])
        return TorchMachine(find).run(Rest(io.BytesIO(pickled), len(pickled)))


def read_legacy(file: BufferedIOBase, size: int) -> object:
    """What `torch.save` wrote before version 1.6: pickles, the last one of its storages' keys, and then the storages.

    Args:
        file: at what follows `LEGACY`.
        size: bytes of the whole of it.

    Raises:
        ValueError: it is no such file, or names what is not admitted.
        Exception: it is damaged; whatever Python raises then.
    """
    contents: dict[str, bytearray] = {}
    left = size

    def find(key: str, length: int) -> bytearray:
        nonlocal left
        left -= length
        if left < 0:
            raise ValueError("more numbers than there are in the file")
        contents[key] = bytearray(length)
        return contents[key]

    rest = Rest(file, size)
    for _ in ("version", "machine"):
        PickleMachine().run(rest)
    machine = TorchMachine(find)
    held = machine.run(rest)
    for key in _keys(PickleMachine().run(rest), contents):
        count, content = int.from_bytes(rest.read(8), "little"), contents[key]
        if count != len(machine.storages[key].values):
            raise ValueError("numbers that are described in two ways")
        content[:] = rest.read(len(content))  # in place: the tensors are views of it
    return held


def _keys(keys: object, contents: Mapping[str, bytearray]) -> list[str]:
    """The keys of all storages, in the order in which these are in the file."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or {*keys} != contents.keys():
        raise ValueError("a file whose storages are not those of its tensors")
    return keys
