"""The terminal: messages and progress on stderr, results on stdout."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

stderr = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def visible(text: str, keep: str = "") -> str:
    """The text with what a terminal would obey rather than show, such as escape, written out: names may hold anything.

    Args:
        text: what is to be shown.
        keep: characters that stay as they are.
    """
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)


def say(message: str) -> None:
    """Tell the user what happens."""
    stderr.print(visible(message, "\n"))


def fail(message: str) -> None:
    """Tell the user what went wrong."""
    # In one piece: several processes may write here.
    stderr.print(Text.assemble(("error:", "bold red"), " ", visible(message, "\n")))


def give(result: str | Mapping[str, Any]) -> None:
    """Print a result on stdout: text as it is, a mapping as one line of JSON."""
    print(visible(result, "\n") if isinstance(result, str) else json.dumps(result))


def fold(label: str, text: str, indent: int) -> str:
    """A label and a text beside it, folded between words to the width of the terminal; one line if stdout is none.

    Args:
        label: shorter than `indent`.
        text: of one line.
        indent: columns before the text, in each of its lines.
    """
    line = f"{label:<{indent}}{text}"
    if not sys.stdout.isatty():
        return line
    width = max(shutil.get_terminal_size().columns, indent + 20)
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * indent,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )


class StageBars:
    """A progress bar for the current stage of some work, shown while entered; called with stage, done and total."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=stderr,
        )
        self._stage: str | None = None

    def __enter__(self) -> StageBars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stage is not None:
            self._bar.stop()

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Show how far a stage has come, and a note after it; another stage takes the place of the one before."""
        if stage != self._stage:
            self._bar.start()
            for shown in self._bar.task_ids:
                self._bar.remove_task(shown)
            self._bar.add_task(stage, total=total, note=note)
            self._stage = stage
        self._bar.update(self._bar.task_ids[0], completed=done, total=total, note=note, refresh=done == total)
