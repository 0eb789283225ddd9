"""`RunResult`: what came out of a run, as its folder tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reseen.errors import CheckpointError
from reseen.training.checkpoint import Progress


@dataclass(frozen=True)
class RunResult:
    """What came out of a run.

    Attributes:
        epochs: how many it trained.
        best_epoch: the one that `best` is of.
        last: metrics of the last evaluation.
        best: metrics of the best evaluation.
    """

    epochs: int
    best_epoch: int
    last: Mapping[str, float]
    best: Mapping[str, float]


def read_result(run: Path, done: Progress) -> RunResult:
    """Find the metrics of a finished run in its `metrics.jsonl`.

    Raises:
        CheckpointError: they are not there.
    """
    try:
        metrics = _evaluations((run / "metrics.jsonl").read_text(encoding="utf-8"))
        return RunResult(done.epoch, done.best_epoch, metrics[done.epoch], metrics[done.best_epoch])
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{run / 'metrics.jsonl'} does not tell how the run did",
            expected=f"evaluations after the epochs {done.best_epoch} (the best) and {done.epoch} (the last)",
            got=f"{type(error).__name__}: {error}",
            cure=f"reseen evaluate measures {run / 'checkpoints' / 'best'} and latest again",
        ) from None


def _evaluations(lines: str) -> dict[int, dict[str, float]]:
    """Metrics by epoch."""
    records: list[dict[str, Any]] = [json.loads(line) for line in lines.splitlines()]
    return {record["epoch"]: record["metrics"] for record in records if record["kind"] == "evaluation"}
