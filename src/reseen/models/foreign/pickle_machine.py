"""Reads a pickle as data: its opcodes are followed by hand, and what they may call is a short list of ours.

Python's own unpickler is not used: it would call whatever a list of ours let through, and take sizes and places in its
memory from the file. What is kept of a file is bounded so that the work of reading it grows with its bytes and no
faster: whole numbers are of 64 bits, keys are short texts, calls have few arguments, and bytes written as text are no
more than the file has.
"""

from __future__ import annotations

import pickletools
from collections.abc import Mapping
from io import BufferedIOBase
from typing import Any, ClassVar

from reseen.models.foreign.pickled import CONTAINERS, NUMPY, Array, DType

MAX_OPCODES = 2_000_000
"""Steps, one for each opcode; what one of them may cost is bounded below."""
MAX_LINE = 4096
MAX_NAME = 512
"""Characters of a key."""
MAX_ARGUMENTS = 16
INT64 = range(-(2**63), 2**63)
VALUES = frozenset(
    [
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        "SHORT_BINSTRING",
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
        self.size = size
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        if size > self.size - self._file.tell():
            raise ValueError("more than there is in the file")
        return self._file.read(size)

    def readline(self) -> bytes:
        """A line, or the beginning of one that is too long."""
        return self._file.readline(MAX_LINE)


class PickleMachine:
    """What a pickle makes, out of dicts, lists, tuples, numbers, texts and `Array`s; used for one pickle.

    Attributes:
        taken: steps so far, the one that was refused included.
    """

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
        self._memo: list[Any] = []
        self._encodable = 0
        self.taken = 0
        self._admitted: dict[str, object] = {**NUMPY, **CONTAINERS, ENCODE: self._encode}

    def run(self, file: Rest) -> object:
        """The object that was pickled.

        Raises:
            ValueError: it names what is not admitted, uses an opcode that arrays do not need, or is damaged.
        """
        self._encodable = file.size
        for opcode, argument, _ in pickletools.genops(file):  # type: ignore[arg-type]
            self.taken += 1
            if self.taken > MAX_OPCODES:
                raise ValueError(f"more than {MAX_OPCODES:,} steps")
            if opcode.name == "STOP":
                return self._pop()
            self._step(opcode.name, argument)
        raise ValueError("no end")

    def _step(self, name: str, argument: Any) -> None:
        if name in VALUES:
            if type(argument) is int and argument not in INT64:
                raise ValueError("a whole number of more than 64 bits")
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
        if len(keys) != len(values):
            raise ValueError("a dict with a key and no value")
        held = self._last(dict)
        for key, value in zip(keys, values, strict=True):
            name = _name(key)
            if name in held:
                raise ValueError(f"a dict with the key {name!r} twice")
            held[name] = value

    def _remember(self, place: int) -> None:
        if not 0 <= place <= MAX_OPCODES:
            raise ValueError(f"place {place:,} in memory")
        self._memo += [None] * (place + 1 - len(self._memo))
        self._memo[place] = self._pop()
        self._stack.append(self._memo[place])

    def _memoize(self, _: object) -> None:
        self._remember(len(self._memo))

    def _recall(self, place: int) -> None:
        if not 0 <= place < len(self._memo):
            raise ValueError("a place in memory that was not filled")
        self._stack.append(self._memo[place])

    def _global(self, argument: str) -> None:
        self._find(argument.replace(" ", "."))

    def _stack_global(self, _: object) -> None:
        module, name = self._pop_several(2)
        self._find(f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "no name")

    def _find(self, name: str) -> None:
        if name not in self._admitted:
            raise ValueError(f"the name {name[:100]!r}, which weights do not need")
        self._stack.append(self._admitted[name])

    def _reduce(self, _: object) -> None:
        made_by, arguments = self._pop_several(2)
        if not (callable(made_by) and any(made_by is each for each in self._admitted.values())):
            raise ValueError("a call of something that is not callable")
        _check_few(arguments)
        self._stack.append(made_by(*arguments))

    def _build(self, _: object) -> None:
        made, state = self._pop_several(2)
        self._set_state(made, state)
        self._stack.append(made)

    def _set_state(self, made: object, state: Any) -> None:
        if not isinstance(made, Array | DType):
            raise ValueError(f"a state for a {type(made).__name__}")
        _check_few(state)
        made.__setstate__(state)

    def _encode(self, text: object, encoding: object) -> bytes:
        """Stands in for `_codecs.encode`: how older pickles write bytes."""
        if not isinstance(text, str) or encoding not in ENCODINGS:
            raise ValueError("bytes that are not written as text")
        self._encodable -= len(text)
        if self._encodable < 0:
            raise ValueError("more bytes written as text than there are in the file")
        return text.encode("latin1")


def _name(key: object) -> str:
    """A key as it is kept, a number as its text: Python takes long over numbers that are chosen to meet in a dict."""
    name = str(key) if type(key) is int else key
    if type(name) is not str:
        raise ValueError(f"a dict with a {type(key).__name__} for a key")
    if len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"a dict with the key {name[:100]!r}: keys are printable, of at most {MAX_NAME} characters")
    return name


def _check_few(arguments: object) -> None:
    if not isinstance(arguments, tuple) or len(arguments) > MAX_ARGUMENTS:
        raise ValueError(f"a call with something else than a tuple of at most {MAX_ARGUMENTS} arguments")
