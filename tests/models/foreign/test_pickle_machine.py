from __future__ import annotations

import contextlib
import io
import pickle
import pickletools
import struct
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.models.foreign import pickle_machine
from reseen.models.foreign.pickle_machine import PickleMachine, Rest
from reseen.models.foreign.pickled import Array

CountCalls = Callable[[], AbstractContextManager[Any]]
REFUSED = (ValueError, KeyError, TypeError, struct.error, OverflowError)
TEXT = st.text(max_size=8)
NAME = TEXT.filter(str.isprintable)
INT64 = st.integers(-(2**63), 2**63 - 1)
PLAIN = st.recursive(
    st.none() | st.booleans() | INT64 | st.floats(allow_nan=False) | TEXT | st.binary(max_size=8),
    lambda below: st.lists(below) | st.tuples(below, below) | st.tuples(below) | st.dictionaries(NAME, below),
    max_leaves=20,
)


def read(pickled: bytes, machine: PickleMachine | None = None) -> Any:
    return (machine or PickleMachine()).run(Rest(io.BufferedReader(io.BytesIO(pickled)), len(pickled)))


@given(PLAIN, st.sampled_from([2, 3, 4]))
def test_plain_values_are_read_as_python_reads_them(value: object, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol=protocol)) == value


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_numbers_and_ordered_dicts_are_read(protocol: int, order: str) -> None:
    weights = np.asarray(np.arange(6, dtype=">f8").reshape(2, 3), order="F" if order == "F" else "C")
    saved = OrderedDict(weights=weights, empty=np.zeros((0, 3), np.float32), rank1=np.float32(0.5), nothing=None)

    made = read(pickle.dumps(saved, protocol=protocol))

    assert isinstance(made["weights"], Array)
    assert (made["weights"].values == weights).all()
    assert made["empty"].values.shape == (0, 3)
    assert made["rank1"] == 0.5


def test_what_is_there_twice_is_one_thing() -> None:
    shared = [1]
    made = read(pickle.dumps([shared, shared]))
    assert made[0] is made[1]


def test_names_of_before_numpy_2_are_the_same() -> None:
    pickled = pickle.dumps(np.ones(2), protocol=2)
    older = pickled.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert older != pickled
    assert (read(older).values == 1).all()


ATTACKS = {
    "os.system": b"cos\nsystem\n(S'touch trace'\ntR.",
    "posix.system": b"\x80\x02cposix\nsystem\nX\x0b\x00\x00\x00touch trace\x85R.",
    "eval": b"\x80\x02c__builtin__\neval\nX\x04\x00\x00\x001+1 \x85R.",
    "getattr": b"\x80\x02c__builtin__\ngetattr\nccollections\nOrderedDict\nX\x05\x00\x00\x00clear\x86R.",
    "stack global": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
    "dotted": b"\x80\x04\x8c\x05numpy\x8c\x0ddtype.__init__\x93.",
    "dotted through an admitted class": b"\x80\x04\x8c\x0bcollections\x8c\x1cOrderedDict.__reduce__.__self\x93.",
    "names that are no texts": b"\x80\x04K\x01K\x02\x93.",
    "numpy.f2py": b"\x80\x02cnumpy.f2py.crackfortran\nmyeval\nX\x03\x00\x00\x001+1\x85R.",
    "numpy.testing": b"\x80\x02cnumpy.testing._private.utils\nrunstring\nX\x01\x00\x00\x001}\x86R.",
    "numpy.load": b"\x80\x02cnumpy\nload\nX\x01\x00\x00\x00a\x85R.",
    "paddle's eval": b"\x80\x02cbuiltins\neval\nX\x04\x00\x00\x00data}\x86R.",
    "INST": b"(S'touch trace'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'touch trace'\no.",
    "NEWOBJ": b"\x80\x02cnumpy\ndtype\n)\x81.",
    "extension": b"\x80\x02\x82\x01.",
    "persistent": b"\x80\x02X\x01\x00\x00\x00aQ.",
    "call of a number": b"\x80\x02K\x01)R.",
    "call of a dict": b"\x80\x02})R.",
    "call with a list": b"\x80\x02ccollections\nOrderedDict\n]R.",
    "state of a dict": b"\x80\x02ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00aK\x01sb.",
    "state of a function": b"\x80\x02cnumpy\ndtype\n}b.",
    "state of a module's name": b"\x80\x02cnumpy\nndarray\n}X\x01\x00\x00\x00aK\x01sb.",
    "object array": pickle.dumps(np.array([{}], dtype=object)),
    "structured array": pickle.dumps(np.zeros(1, dtype=[("a", "f4")])),
    "text array": pickle.dumps(np.array(["a"])),
    "object scalar": b"\x80\x02cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x01\x00\x00\x00OK\x00K\x01\x87RN\x86R.",
    "array of a size that is not there": b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R.",
    "tuple of a list": b"\x80\x02cbuiltins\ntuple\n]K\x01a\x85R.",
    "dict built from pairs": b"\x80\x02ccollections\nOrderedDict\n]\x85R.",
    "encoding that is a codec": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00zlib}\x86R.",
    "decode": b"\x80\x02c_codecs\ndecode\nX\x01\x00\x00\x00a\x85R.",
    "text longer than the file": b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
    "bytes longer than the file": b"\x80\x04\x8e\x00\x00\x00\x00\x10\x00\x00\x00.",
    "number longer than the file": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "frame and nothing": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f",
    "memory from a place that was not filled": b"\x80\x02j\xff\xff\xff\x7f.",
    "key that is a tuple": b"\x80\x02})K\x01s.",
    "key that is no name": b"\x80\x02}NK\x01s.",
    "key that a terminal obeys": pickle.dumps({"\x1b[31m": 1}),
    "key that is too long": pickle.dumps({"a" * 513: 1}),
    "key that is listed twice": b"\x80\x02}(K\x01K\x02X\x01\x00\x00\x001K\x02u.",
    "number of more than 64 bits": pickle.dumps(2**63),
    "number of more than 64 bits below 0": pickle.dumps(-(2**63) - 1),
    "number as a line, of more than 64 bits": b"L99999999999999999999L\n.",
    "place in memory beyond counting": b"\x80\x02K\x05r\xff\xff\xff\x7f.",
    "place in memory below 0": b"K\x05p-1\n.",
    "key without a value": b"\x80\x02}(K\x01u.",
    "items without a mark": b"\x80\x02}K\x01K\x02u.",
    "below the mark": b"\x80\x02](a.",
    "append to a tuple": b"\x80\x02)K\x01a.",
    "items of a number": b"\x80\x02K\x01(K\x01K\x02u.",
    "nothing": b"",
    "end of nothing": b".",
    "cut off": pickle.dumps({"a": 1})[:-3],
    "no pickle": b"<html>",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_p10_an_attack_is_refused_and_leaves_no_trace(
    attack: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(REFUSED):
        read(ATTACKS[attack])

    assert list(tmp_path.iterdir()) == []


def test_attacks_that_name_something_are_refused_for_the_name() -> None:
    for attack in ("os.system", "posix.system", "eval", "getattr", "stack global", "numpy.f2py", "numpy.testing"):
        with pytest.raises(ValueError, match=r"the (name|opcode)"):
            read(ATTACKS[attack])


def test_a_number_as_a_key_becomes_its_text() -> None:
    assert read(pickle.dumps({0: "a", -1: "b", "c": "d"})) == {"0": "a", "-1": "b", "c": "d"}


def memo(place: int) -> bytes:
    return b"r" + struct.pack("<I", place)


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def long(value: int) -> bytes:
    content = value.to_bytes(value.bit_length() // 8 + 1, "little")
    return b"\x8b" + struct.pack("<i", len(content)) + content


MEETING = 2**61 - 1
"""Python keeps the multiples of it in one place of a dict."""
PAIRS = text("a") + b"".join(memo(place) + b"j" + struct.pack("<I", place) + b"\x86" for place in range(26))
MANY = b"(" + b"K\x01" * 50_000 + b"t" + memo(0)
DTYPE = b"cnumpy\ndtype\n"
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n"
SIDES = long((1 << 8_000_000) - 1) + memo(0) + b"h\x00" * 7
SLOW = {
    "type of 2**26 leaves": (DTYPE + b"(" + PAIRS + b"tR.", 1 + 1 + 79 + 2, "type"),
    "key of 2**26 leaves": (b"}" + PAIRS + b"K\x01s.", 1 + 79 + 2, "key"),
    "keys that meet": (
        b"}(" + b"".join(long(MEETING * key) + b"N" for key in range(1, 20_000)) + b"u.",
        2 + 2 * 4 + 1,  # four keys are of 64 bits
        "64 bits",
    ),
    "places that meet": (
        b"N" + b"".join(b"p%d\n" % (MEETING * place) for place in range(1, 20_000)) + b".",
        2,
        "place",
    ),
    "sides of millions of bits": (
        ARRAY + b")R(K\x01(" + SIDES + b"t" + DTYPE + text("f4") + b"\x85R\x89C\x00tb.",
        3 + 3 + 1,
        "64 bits",
    ),
    "calls with many arguments": (
        MANY + ARRAY + b"q\x01" + b"h\x01h\x00R" * 10_000 + b".",
        50_003 + 2 + 3,
        "arguments",
    ),
    "states of many parts": (
        b"(K\x03" + text("<") + MANY[1:] + DTYPE + text("f4") + b"\x85R" + 10_000 * b"h\x00b",
        2 + 50_003 + 4 + 2,
        "arguments",
    ),
    "bytes written again and again": (
        text("a" * 10**6)
        + b"q\x00c_codecs\nencode\nq\x01"
        + text("latin1")
        + b"q\x02"
        + b"h\x01h\x00h\x02\x86R" * 4000,
        6 + 2 * 5,  # the file has as many bytes as one of them, and no two
        "bytes",
    ),
}


@pytest.mark.parametrize("attack", SLOW)
def test_what_would_cost_more_than_its_bytes_is_refused_at_its_first_step(attack: str) -> None:
    """The steps before the refusal, counted by hand: the file goes on for thousands, or the next would take 2**26."""
    machine = PickleMachine()
    content, steps, reason = SLOW[attack]
    with pytest.raises(ValueError, match=reason):
        read(b"\x80\x02" + content, machine)
    assert machine.taken == 1 + steps


def test_the_work_grows_with_the_file_and_no_faster(count_calls: CountCalls) -> None:
    counts = []
    for size in (1000, 4000):
        pickled = pickle.dumps({str(number): [number, (number, "a"), {}] for number in range(size)}, protocol=2)
        with count_calls() as calls:
            read(pickled)
        counts.append(calls.total)
    assert counts[1] < 4.1 * counts[0]


def test_steps_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_machine, "MAX_OPCODES", 100)
    assert read(pickle.dumps(list(range(60)))) == list(range(60))
    with pytest.raises(ValueError, match="more than 100 steps"):
        read(pickle.dumps(list(range(120))))


def test_bytes_written_as_text_are_no_more_than_the_file_has() -> None:
    encoded = b"h\x00h\x01h\x02\x86R"
    names = b"\x80\x02c_codecs\nencode\nq\x00" + text("a" * 50) + b"q\x01" + text("latin1") + b"q\x02"
    assert read(names + encoded + b".") == b"a" * 50
    with pytest.raises(ValueError, match="more bytes written as text"):
        read(names + 5 * encoded + b".")


def test_every_opcode_either_keeps_data_or_is_refused() -> None:
    done = {*pickle_machine.VALUES, *pickle_machine.CONSTANTS, *pickle_machine.TUPLES, *PickleMachine.steps}
    refused = {opcode.name for opcode in pickletools.opcodes} - done - {"PROTO", "FRAME", "STOP"}
    assert {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"} <= refused


def kinds(value: object) -> set[type]:
    """The types of all that a value holds; it may hold itself. Functions of ours are what an admitted name leads to."""
    found: set[type] = set()
    waiting, seen = [value], set[int]()
    while waiting:
        held = waiting.pop()
        if id(held) in seen or str(getattr(held, "__module__", "")).startswith("reseen.models.foreign."):
            continue
        seen.add(id(held))
        found.add(type(held))
        if isinstance(held, dict):
            waiting += [*held.keys(), *held.values()]
        elif isinstance(held, list | tuple):
            waiting += held
    return found


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_data_or_refused(data: bytes) -> None:
    made = None
    with contextlib.suppress(*REFUSED):
        made = read(b"\x80\x04" + data)
    assert kinds(made) <= {dict, list, tuple, str, bytes, int, float, bool, type(None)}
