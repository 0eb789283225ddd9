"""What a pickle may name: each name leads to something of ours that holds data, never to what the file meant.

Nothing of numpy is called with what a file says, so that no call of numpy can be turned against the reader.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import numpy as np

from reseen.shapes import Shaped

MAX_AXES = 8
NUMBERS = ("b1", "u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8")
"""Types an array may have, as numpy spells them without the order of their bytes."""
ORDERS = ("<", ">", "|", "=")
BUILTINS = ("builtins", "__builtin__")
"""As Python 3 spells it, and as it was spelt before."""


def are_sizes(value: object) -> TypeGuard[tuple[int, ...]]:
    """Whether these are whole numbers from 0 on, one for each of at most `MAX_AXES` axes."""
    if not isinstance(value, tuple) or len(value) > MAX_AXES:
        return False
    return all(type(size) is int and size >= 0 for size in value)


class DType:
    """Stands in for `numpy.dtype`, with the arguments and the state that numpy pickles it with.

    Raises:
        ValueError: it is not one of `NUMBERS`.
    """

    def __init__(self, name: object, *_: object) -> None:
        if not isinstance(name, str) or name not in NUMBERS:
            raise ValueError(f"arrays of type {name[:20] if isinstance(name, str) else type(name).__name__!r}")
        self.type = np.dtype(name)

    def __setstate__(self, state: tuple[object, ...]) -> None:
        _, order, *_ = state
        if order not in ORDERS:
            raise ValueError("an array whose bytes are in no known order")
        self.type = self.type.newbyteorder(str(order))  # type: ignore[arg-type]


class Array:
    """Stands in for what numpy rebuilds an array with; the array is there once its state is.

    Attributes:
        values: the array, reading from the pickle's own bytes.
    """

    values: Shaped[np.ndarray, "..."]

    def __init__(self, *_: object) -> None:
        self.values = np.empty(0, np.float32)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, columns_first, data = state
        if not (are_sizes(shape) and isinstance(dtype, DType) and isinstance(data, bytes)):
            raise ValueError("an array that is not described as numpy describes them")
        if math.prod(shape) * dtype.type.itemsize != len(data):
            raise ValueError(f"an array of shape {shape} with {len(data):,} bytes")
        self.values = np.frombuffer(data, dtype.type).reshape(shape, order="F" if columns_first else "C")


def scalar(dtype: object, data: object = b"") -> int | float:
    """Stands in for what numpy rebuilds a single number with.

    Raises:
        ValueError: it is not one number.
    """
    if not (isinstance(dtype, DType) and isinstance(data, bytes) and len(data) == dtype.type.itemsize):
        raise ValueError("a number that is not described as numpy describes them")
    return np.frombuffer(data, dtype.type)[0].item()  # type: ignore[no-any-return]


def ordered(*arguments: object) -> dict[object, object]:
    """Stands in for an empty `OrderedDict`; what is in one, a pickle adds afterwards.

    Raises:
        ValueError: it is to be built from something.
    """
    if arguments:
        raise ValueError("an OrderedDict that is built from something")
    return {}


def same_tuple(items: object = ()) -> tuple[object, ...]:
    """Stands in for `tuple`, of a tuple: what Paddle pickles a tensor as.

    Raises:
        ValueError: of anything else.
    """
    if not isinstance(items, tuple):
        raise ValueError("a tuple that is built from something else")
    return items


def no_bytes(*arguments: object) -> bytes:
    """Stands in for `bytes`: how older pickles write that there are none.

    Raises:
        ValueError: there are to be some.
    """
    if arguments:
        raise ValueError("bytes that are built from something")
    return b""


def array_class(*_: object) -> None:
    """Stands in for `numpy.ndarray`, which a pickle names and does not call.

    Raises:
        ValueError: when it is called.
    """
    raise ValueError("an array that is built without its state")


NUMPY: Mapping[str, Callable[..., object]] = {
    "numpy.dtype": DType,
    "numpy.ndarray": array_class,
    **{f"numpy.{core}.multiarray._reconstruct": Array for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": scalar for core in ("core", "_core")},
}
"""Names of numpy's that are admitted; from version 2 on, numpy spells `core` with an underscore."""
CONTAINERS: Mapping[str, Callable[..., object]] = {
    "collections.OrderedDict": ordered,
    **{f"{builtin}.tuple": same_tuple for builtin in BUILTINS},
    **{f"{builtin}.bytes": no_bytes for builtin in BUILTINS},
}
"""Other names that are admitted."""
