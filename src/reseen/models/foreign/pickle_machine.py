"""Reads a pickle as data: its opcodes are followed by hand, and what they may call is a short list of ours.

Written for the plain pickles of arrays that PaddlePaddle saves. Python's own unpickler is not used: it would call
whatever a list of ours let through, and take sizes and places in its memory from the file.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from io import BufferedIOBase
from typing import Any, ClassVar

from reseen.models.foreign.pickled import CONTAINERS, NUMPY, Array, DType

MAX_OPCODES = 2_000_000
MAX_ENCODED = 4 * 2**30
"""Bytes that may be written as text, all of them together."""
MAX_LINE = 4096
VALUES = frozenset(
    [
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    ]
)
"""Opcodes that put down their argument."""
CONSTANTS: Mapping[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
ENCODE = "_codecs.encode"
ENCODINGS = ("latin1", "latin-1")


class Rest:
    """A file, of which no more can be asked for than there is: what asks says how much, and that comes from the file.

    Args:
        file: at the place where reading begins.
        size: bytes of the whole file.
    """

    def __init__(self, file: BufferedIOBase, size: int) -> None:
        self._file = file
        self._size = size
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        if size > self._size - self._file.tell():
            raise ValueError("more than there is in the file")
        return self._file.read(size)

    def readline(self) -> bytes:
        """A line, or the beginning of one that is too long."""
        return self._file.readline(MAX_LINE)


class PickleMachine:
    """What a pickle makes, out of dicts, lists, tuples, numbers, texts and `Array`s; used for one pickle."""

    steps: ClassVar[Mapping[str, str]] = {
        "MARK": "_mark",
        "TUPLE": "_tuple",
        "EMPTY_LIST": "_empty_list",
        "EMPTY_DICT": "_empty_dict",
        "APPEND": "_append",
        "APPENDS": "_appends",
        "SETITEM": "_set_item",
        "SETITEMS": "_set_items",
        "PUT": "_remember",
        "BINPUT": "_remember",
        "LONG_BINPUT": "_remember",
        "MEMOIZE": "_memoize",
        "GET": "_recall",
        "BINGET": "_recall",
        "LONG_BINGET": "_recall",
        "GLOBAL": "_global",
        "STACK_GLOBAL": "_stack_global",
        "REDUCE": "_reduce",
        "BUILD": "_build",
    }
    """Methods for the other opcodes; an opcode without one is refused."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._encoded = 0
        self._admitted: dict[str, Callable[..., object]] = {**NUMPY, **CONTAINERS, ENCODE: self._encode}

    def run(self, file: Rest) -> object:
        """The object that was pickled.

        Raises:
            ValueError: it names what is not admitted, uses an opcode that arrays do not need, or is damaged.
        """
        for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):  # type: ignore[arg-type]
            if count > MAX_OPCODES:
                raise ValueError(f"more than {MAX_OPCODES:,} steps")
            if opcode.name == "STOP":
                return self._pop()
            self._step(opcode.name, argument)
        raise ValueError("no end")

    def _step(self, name: str, argument: Any) -> None:
        if name in VALUES:
            self._stack.append(argument)
        elif name in CONSTANTS:
            self._stack.append(CONSTANTS[name])
        elif name in TUPLES:
            self._stack.append(tuple(self._pop_several(TUPLES[name])))
        elif name not in ("PROTO", "FRAME"):
            if name not in self.steps:
                raise ValueError(f"the opcode {name}")
            getattr(self, self.steps[name])(argument)

    def _pop(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise ValueError("an opcode without what it works on")
        return self._stack.pop()

    def _pop_several(self, count: int) -> list[Any]:
        return [self._pop() for _ in range(count)][::-1]

    def _pop_to_mark(self) -> list[Any]:
        if not self._marks:
            raise ValueError("an end without a beginning")
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _last(self, kind: type) -> Any:
        last = self._pop()
        if type(last) is not kind:
            raise ValueError(f"a {type(last).__name__} in the place of a {kind.__name__}")
        self._stack.append(last)
        return last

    def _mark(self, _: object) -> None:
        self._marks.append(len(self._stack))

    def _tuple(self, _: object) -> None:
        self._stack.append(tuple(self._pop_to_mark()))

    def _empty_list(self, _: object) -> None:
        self._stack.append([])

    def _empty_dict(self, _: object) -> None:
        self._stack.append({})

    def _append(self, _: object) -> None:
        item = self._pop()
        self._last(list).append(item)

    def _appends(self, _: object) -> None:
        items = self._pop_to_mark()
        self._last(list).extend(items)

    def _set_item(self, _: object) -> None:
        self._set(self._pop_several(2))

    def _set_items(self, _: object) -> None:
        self._set(self._pop_to_mark())

    def _set(self, items: list[Any]) -> None:
        keys, values = items[::2], items[1::2]
        if len(keys) != len(values) or not all(type(key) in (str, int) for key in keys):
            raise ValueError("a dict whose keys are not names")
        self._last(dict).update(zip(keys, values, strict=True))

    def _remember(self, place: int) -> None:
        self._memo[place] = self._pop()
        self._stack.append(self._memo[place])

    def _memoize(self, _: object) -> None:
        self._remember(len(self._memo))

    def _recall(self, place: int) -> None:
        self._stack.append(self._memo[place])

    def _global(self, argument: str) -> None:
        self._find(argument.replace(" ", "."))

    def _stack_global(self, _: object) -> None:
        module, name = self._pop_several(2)
        self._find(f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "no name")

    def _find(self, name: str) -> None:
        if name not in self._admitted:
            raise ValueError(f"the name {name[:100]!r}")
        self._stack.append(self._admitted[name])

    def _reduce(self, _: object) -> None:
        made_by, arguments = self._pop_several(2)
        if not isinstance(arguments, tuple) or not any(made_by is each for each in self._admitted.values()):
            raise ValueError("a call of something that is not callable")
        self._stack.append(made_by(*arguments))

    def _build(self, _: object) -> None:
        made, state = self._pop_several(2)
        if type(made) not in (Array, DType) or not isinstance(state, tuple):
            raise ValueError(f"a state for a {type(made).__name__}")
        made.__setstate__(state)
        self._stack.append(made)

    def _encode(self, text: object, encoding: object) -> bytes:
        """Stands in for `_codecs.encode`: how older pickles write bytes."""
        if not isinstance(text, str) or encoding not in ENCODINGS:
            raise ValueError("bytes that are not written as text")
        self._encoded += len(text)
        if self._encoded > MAX_ENCODED:
            raise ValueError(f"more than {MAX_ENCODED:,} bytes written as text")
        return text.encode("latin1")
