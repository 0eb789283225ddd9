"""Goes through a pickle of torch's without making anything, before torch's own reader does.

That reader calls nothing of a file's, but a file can be made to crash it or to keep it busy for ever: by a key that is
tuples within tuples, whose hash is taken again and again, or by a long text that is encoded many times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from reseen.models.foreign.pickle_machine import PickleMachine

MAX_TEXT = 4096
"""Bytes of a text: tensors are kept beside the pickle, and what is left in it has short names."""


class Something:
    """Stands for whatever torch would put there."""


class Rehearsal(PickleMachine):
    """Checks that keys are names or numbers, texts are short, and every opcode has what it works on."""

    steps: ClassVar[Mapping[str, str]] = {**PickleMachine.steps, "NEWOBJ": "_reduce", "BINPERSID": "_persistent"}

    def _step(self, name: str, argument: Any) -> None:
        if isinstance(argument, str | bytes) and len(argument) > MAX_TEXT:
            raise ValueError(f"a text of {len(argument):,} characters")
        if name == "SHORT_BINSTRING":
            self._stack.append(argument)
        else:
            super()._step(name, argument)

    def _find(self, name: str) -> None:
        self._stack.append(Something())

    def _reduce(self, _: object) -> None:
        self._pop_several(2)
        self._stack.append(Something())

    def _build(self, _: object) -> None:
        self._pop_several(2)
        self._stack.append(Something())

    def _persistent(self, _: object) -> None:
        self._pop()
        self._stack.append(Something())

    def _last(self, kind: type) -> Any:
        if self._stack and isinstance(self._stack[-1], Something):
            return kind()
        return super()._last(kind)
