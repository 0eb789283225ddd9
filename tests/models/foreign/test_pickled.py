from __future__ import annotations

import numpy as np
import pytest

from reseen.models.foreign.pickled import (
    CONTAINERS,
    NUMPY,
    Array,
    DType,
    array_class,
    no_bytes,
    ordered,
    same_tuple,
    scalar,
)


def dtype(name: str, order: str = "<") -> DType:
    made = DType(name, False, True)
    made.__setstate__((3, order, None, None, None, -1, -1, 0))
    return made


def array(*state: object) -> Array:
    made = Array("numpy.ndarray", (0,), b"b")
    made.__setstate__(state)
    return made


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", ["<f4", ">f4", "<i8", "|u1", "|b1", "<f2"])
def test_an_array_has_the_values_that_numpy_gave_it(name: str, order: str) -> None:
    expected = np.arange(6).reshape(2, 3).astype(name)
    assert (
        array(1, (2, 3), dtype(name[1:], name[0]), order == "F", expected.tobytes("F" if order == "F" else "C")).values
        == expected
    ).all()


@pytest.mark.parametrize("name", ["O", "V8", "U4", "S4", "M8", "m8", "c8", "O8", "f4,f4", ["f4"], ("f4",), None, 4])
def test_only_numbers_have_a_type(name: object) -> None:
    with pytest.raises(ValueError, match="arrays of type"):
        DType(name, False, True)


@pytest.mark.parametrize(
    "state",
    [
        (1, (2,), dtype("f4"), False, b"1234"),
        (1, (-1,), dtype("f4"), False, b""),
        (1, (10**12, 10**12), dtype("f4"), False, b""),
        (1, (2**63 - 1,) * 8, dtype("f4"), False, b""),
        (1, (2.0,), dtype("f4"), False, b"12345678"),
        (1, (True,), dtype("f4"), False, b"1234"),
        (1, [2], dtype("f4"), False, b"12345678"),
        (1, (1,) * 9, dtype("f4"), False, b"1234"),
        (1, (1,), "f4", False, b"1234"),
        (1, (1,), np.dtype("O"), False, [print]),
        (1, (1,), dtype("f4"), False, [1.0]),
    ],
)
def test_an_array_that_is_not_what_its_bytes_are_is_refused(state: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="an array"):
        array(*state)


def test_bytes_in_no_known_order_are_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        dtype("f4", "?")


def test_a_number_is_one_of_python_s() -> None:
    value = scalar(dtype("f4"), np.float32(0.25).tobytes())
    assert type(value) is float
    assert value == 0.25


@pytest.mark.parametrize("arguments", [("f4", b"1234"), (dtype("f4"), b"123"), (dtype("f4"), "1234"), (dtype("f4"),)])
def test_what_is_not_one_number_is_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="a number"):
        scalar(*arguments)


def test_a_tuple_stays_the_tuple_it_is() -> None:
    pair = ("name", 1)
    assert same_tuple(pair) is pair
    with pytest.raises(ValueError, match="a tuple"):
        same_tuple(["name", 1])


def test_a_dict_begins_empty() -> None:
    assert ordered() == {}
    with pytest.raises(ValueError, match="OrderedDict"):
        ordered([("a", 1)])


def test_no_bytes_are_built_from_a_number() -> None:
    assert no_bytes() == b""
    with pytest.raises(ValueError, match="bytes that"):
        no_bytes(10**12)


def test_the_class_of_arrays_is_not_called() -> None:
    with pytest.raises(ValueError, match="without its state"):
        array_class((10**12,), "f4")


def test_every_name_leads_to_something_of_ours() -> None:
    assert {made_by.__module__ for made_by in [*NUMPY.values(), *CONTAINERS.values()]} == {Array.__module__}
