"""The terminal: messages and progress on stderr, results on stdout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

stderr = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def say(message: str) -> None:
    """Tell the user what happens."""
    stderr.print(message)


def fail(message: str) -> None:
    """Tell the user what went wrong."""
    stderr.print("error:", style="bold red", end=" ")
    stderr.print(message)


def give(result: str | Mapping[str, Any]) -> None:
    """Print a result on stdout: text as it is, a mapping as one line of JSON."""
    print(result if isinstance(result, str) else json.dumps(result, ensure_ascii=False))


class StageBars:
    """A progress bar for each stage of some work, shown while entered; called with stage, done and total."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=stderr,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> StageBars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Show how far a stage has come, and a note after it; a stage that starts anew is timed anew."""
        task = self._tasks.get(stage)
        if task is None:
            task = self._tasks[stage] = self._bars.add_task(stage, total=total, note="")
        elif done < self._bars.tasks[self._bars.task_ids.index(task)].completed:
            self._bars.reset(task)
        self._bars.update(task, completed=done, total=total, note=note)
