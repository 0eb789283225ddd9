from __future__ import annotations

import contextlib
import io
import struct
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reseen.models.foreign.pickle_machine import Rest
from reseen.models.foreign.torch_file import LEGACY, TorchMachine, read_archive, read_legacy

GRID = torch.arange(12.0).reshape(3, 4)
FLOATS = b"ctorch\nFloatStorage\n"


def read(content: bytes) -> Any:
    file = io.BytesIO(content)
    if content.startswith(b"PK"):
        return read_archive(file, len(content))
    assert file.read(len(LEGACY)) == LEGACY
    return read_legacy(file, len(content))


def saved(held: object, *, legacy: bool = False) -> bytes:
    file = io.BytesIO()
    torch.save(held, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def archive(pickled: bytes, more: Mapping[str, bytes] = {}, compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of torch's, of a pickle and of a storage of four numbers; or with other records, by their names."""
    file = io.BytesIO()
    records = {"data.pkl": pickled, "byteorder": b"little", "data/0": struct.pack("<4f", 1, 2, 3, 4), **more}
    with zipfile.ZipFile(file, "w", compression) as writer:
        for name, content in records.items():
            writer.writestr(f"archive/{name}", content)
    return file.getvalue()


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(count: int = 4, key: bytes = text("0"), kind: bytes = FLOATS) -> bytes:
    return b"(" + text("storage") + kind + key + text("cpu") + number(count) + b"tQ"


def weight(values: bytes, offset: int = 0, shape: bytes = numbers(4), steps: bytes = numbers(1)) -> bytes:
    """The pickle of a dict with one tensor."""
    rebuilt = b"ctorch._utils\n_rebuild_tensor\n(" + values + number(offset) + shape + steps + b"tR"
    return b"\x80\x02}" + text("w") + rebuilt + b"s."


def equal(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(equal(ours[key], theirs[key]) for key in theirs)
    return ours.dtype == theirs.dtype and torch.equal(ours, theirs) and ours.stride() == theirs.stride()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "held",
    [
        {"grid": GRID, "turned": GRID.T, "row": GRID[1], "inner": GRID[1:, 1:3], "steps": GRID[::2, ::3]},
        {"one": torch.tensor(2.5), "none": torch.empty(0), "empty": torch.empty(2, 0, 3)},
        {"wide": GRID[:1].expand(5, 4), "parameter": torch.nn.Parameter(GRID)},
        {str(dtype): torch.ones(3).to(dtype) for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.bool)},
        {str(dtype): torch.arange(3).to(dtype) for dtype in (torch.int64, torch.int32, torch.int16, torch.int8)},
        {"bytes": torch.arange(3).to(torch.uint8), "model": torch.nn.BatchNorm1d(3).state_dict()},
        {},
    ],
)
def test_tensors_are_those_that_torch_reads(held: Any, legacy: bool) -> None:
    content = saved(held, legacy=legacy)
    assert equal(read(content), torch.load(io.BytesIO(content), weights_only=True))


@pytest.mark.parametrize("legacy", [False, True])
def test_what_training_saves_beside_its_weights_is_no_obstacle(legacy: bool) -> None:
    linear = torch.nn.Linear(2, 2)
    network = torch.nn.Sequential(linear, torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(3, 2)).sum().backward()
    optimizer.step()
    held = {
        "state_dict": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": {"milestones": Counter([40, 70]), "last_epoch": 3},
        "rank1": np.float32(0.5),
        "more": [OrderedDict(size=torch.Size([1])), {1, 2}, 1j, bytearray(b"a"), torch.device("cpu"), torch.float16],
        "log": "a" * 5000,
    }

    made = read(saved(held, legacy=legacy))

    assert made.keys() == held.keys()
    assert torch.equal(made["state_dict"]["0.weight"], linear.weight)
    assert made["optimizer"]["state"].keys() == {"0", "1", "2", "3"}
    assert made["more"] == [{"size": None}, None, None, None, None, torch.float16]


def test_tensors_of_one_storage_share_it() -> None:
    made = read(saved({"grid": GRID, "row": GRID[1]}))
    assert made["row"].data_ptr() == made["grid"][1].data_ptr()


def test_parameters_of_before_version_0_4_are_read() -> None:
    rebuilt = weight(storage())[len(b"\x80\x02}" + text("w")) : -2]
    old = b"\x80\x02ctorch.nn.parameter\nParameter\n" + rebuilt + b"\x85\x81\x88\x89}\x87b."
    assert read(archive(old)).tolist() == [1, 2, 3, 4]


def test_attributes_of_a_parameter_are_left_out() -> None:
    changed = torch.nn.Parameter(GRID)
    changed.numel = 5  # type: ignore[assignment, method-assign]
    assert read(saved({"w": changed}))["w"].numel() == 12


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (GRID.to_sparse(), "torch._utils._rebuild_sparse_tensor"),
        (GRID.to(torch.complex64), "torch.ComplexFloatStorage"),
        (torch.empty(2, device="meta"), "torch._utils._rebuild_meta_tensor_no_storage"),
        (torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
    ],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_what_is_no_plain_tensor_is_refused_by_its_name(value: object, name: str, legacy: bool) -> None:
    with pytest.raises(ValueError, match=f"the name '{name}', which weights do not need"):
        read(saved({"w": value}, legacy=legacy))


@pytest.mark.parametrize("function", ["_rebuild_qtensor", "_rebuild_nested_tensor", "_rebuild_wrapper_subclass"])
def test_other_kinds_of_tensors_are_too(function: str) -> None:
    with pytest.raises(ValueError, match=f"the name 'torch._utils.{function}'"):
        read(archive(weight(storage()).replace(b"_rebuild_tensor", function.encode())))


BAD_TENSORS = {
    "beyond its storage": weight(storage(), shape=numbers(5)),
    "beyond its storage by its offset": weight(storage(), offset=1),
    "beyond its storage by its steps": weight(storage(), steps=numbers(2)),
    "before its storage": weight(storage(), offset=-1),
    "backwards": weight(storage(), offset=3, steps=numbers(-1)),
    "of a negative size": weight(storage(), shape=numbers(-4)),
    "of more numbers than can be counted": weight(storage(), shape=numbers(2**32, 2**32), steps=numbers(0, 0)),
    "of no numbers, but sides beyond counting": weight(storage(), shape=numbers(0, 2**62), steps=numbers(1, 1)),
    "of too many axes": weight(storage(), shape=numbers(*[1] * 9), steps=numbers(*[1] * 9)),
    "of another number of steps": weight(storage(), steps=numbers(1, 1)),
    "of no storage": weight(b"N"),
    "of a shape that is a text": weight(storage(), shape=text("4")),
    "storage that is not there": weight(storage(key=text("1"))),
    "storage that is elsewhere": weight(storage(key=text("../../../../etc/hostname"))),
    "storage of a negative size": weight(storage(-4)),
    "storage of another size": weight(storage(3), shape=numbers(3)),
    "storage of a size that is not there": weight(storage(2**62)),
    "storage by a number": weight(storage(key=number(0))),
    "storage of no type": weight(storage(kind=text("float"))),
    "storage of two types": b"\x80\x02]" + storage() + b"a" + storage(kind=b"ctorch\nIntStorage\n") + b"a.",
    "part of a storage": weight(storage().replace(b"tQ", b")tQ")),
    "something else that is kept apart": b"\x80\x02" + text("module") + b"\x85Q.",
    "parameter of no tensor": b"\x80\x02ctorch.nn.parameter\nParameter\n}\x85\x81.",
    "call of a type": b"\x80\x02ctorch\nfloat32\n)R.",
    "opcode without what it works on": b"\x80\x02Q.",
}


@pytest.mark.parametrize("attack", BAD_TENSORS)
def test_a_tensor_that_is_not_in_the_archive_is_refused(attack: str) -> None:
    with pytest.raises(ValueError, match=r"tensor|storage|numbers|call|zip\(\)|works on"):
        read(archive(BAD_TENSORS[attack]))


def test_the_pickle_that_is_read_is_the_one_that_is_there() -> None:
    good, other = weight(storage()), weight(storage(), shape=numbers(2))
    assert read(archive(good, {"data.PKL": other, "DATA.pkl": other}))["w"].shape == (4,)
    with pytest.raises(ValueError, match=r"2 records data\.pkl"):
        read(archive(good, {"more/data.pkl": other}))
    with pytest.raises(ValueError, match=r"0 records data\.pkl"):
        read(archive(good).replace(b"data.pkl", b"data.PKL"))
    with pytest.raises(ValueError, match="records of one name"):
        read(archive(good, {"DATA.pkl": other}).replace(b"DATA.pkl", b"data.pkl"))


def test_an_archive_that_unpacks_to_more_than_it_is_is_refused() -> None:
    content = archive(weight(storage(10**6)), {"data/0": bytes(4 * 10**6)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="torch does not compress"):
        read(content)


def test_numbers_in_another_order_of_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="another order of bytes"):
        read(archive(weight(storage()), {"byteorder": b"big"}))


def test_numbers_that_changed_on_the_way_are_refused() -> None:
    content = archive(weight(storage()))
    with pytest.raises(zipfile.BadZipFile, match="CRC"):
        read(content.replace(struct.pack("<4f", 1, 2, 3, 4), struct.pack("<4f", 1, 2, 3, 5)))


def legacy_file(pickled: bytes, keys: bytes, *storages: tuple[int, bytes]) -> bytes:
    content = b"".join(struct.pack("<q", count) + values for count, values in storages)
    return LEGACY + b"\x80\x02K\x01.\x80\x02}." + pickled + b"\x80\x02" + keys + b"." + content


def test_storages_of_a_file_of_before_version_1_6_are_those_of_its_tensors() -> None:
    four, keys = (4, struct.pack("<4f", 1, 2, 3, 4)), b"]" + text("0") + b"a"

    assert read(legacy_file(weight(storage()), keys, four))["w"].tolist() == [1, 2, 3, 4]
    for wrong in (b"]", b"N", b"]K\x00a", keys + text("1") + b"a"):
        with pytest.raises(ValueError, match="storages are not those"):
            read(legacy_file(weight(storage()), wrong, four))
    with pytest.raises(ValueError, match="in two ways"):
        read(legacy_file(weight(storage()), keys, (3, four[1])))
    with pytest.raises(ValueError, match="more than there is"):
        read(legacy_file(weight(storage()), keys, (4, four[1][:-1])))
    with pytest.raises(ValueError, match="more numbers than there are"):
        read(legacy_file(weight(storage(10**9)), keys, four))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_data_or_refused(data: bytes) -> None:
    asked: list[int] = []

    def find(_: str, length: int) -> bytearray:
        asked.append(length)
        return bytearray(min(length, 64))

    machine = TorchMachine(find)
    with contextlib.suppress(Exception):
        machine.run(Rest(io.BytesIO(data), len(data)))
    assert machine.taken <= 1 + len(data)
    assert len(asked) >= len(machine.storages)
