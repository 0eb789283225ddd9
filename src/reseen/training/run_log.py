"""`train.log` for people and `metrics.jsonl` for programs, written as a run goes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from reseen.files import append_lines, append_text, make_folder, write_whole
from reseen.run_folder import Run
from reseen.scores.figures import NAMES, name_in_words, percent
from reseen.training.events import EpochDone, Evaluated, Event, Saved, Started, StepDone, StoppedEarly


class RunLog:
    """Writes what happens to the run's folder.

    Args:
        folder: the run's folder.
        log_every: iterations between lines about single iterations.
    """

    def __init__(self, folder: Path, log_every: int) -> None:
        self.run = Run(make_folder(folder))
        self.log_every = log_every

    def forget_after(self, epoch: int, *, evaluation_due: bool = False) -> None:
        """Drop lines of `metrics.jsonl` that a resumed run writes again: those about epochs later than `epoch`.

        With `evaluation_due`, the evaluation of `epoch` goes too, and always a line that a crash left half written.
        """
        path = self.run.metrics_path
        if path.exists():
            lines = path.read_bytes().splitlines()
            last = epoch - 0.5 if evaluation_due else epoch
            write_whole(path, b"".join(line + b"\n" for line in lines if _place(line) <= last))

    def say(self, text: str) -> None:
        """Add a line to `train.log`, with the time before it."""
        append_lines(self.run.log_path, [text])

    def __call__(self, event: Event) -> None:
        """Listen to a run."""
        match event:
            case Started():
                self.say(
                    f"{event.images} images of {event.persons} people; from epoch {event.epoch + 1} of {event.epochs}"
                )
            case StepDone():
                if event.iteration % self.log_every == 0 or event.iteration == event.iterations:
                    self.say(describe_step(event))
            case EpochDone():
                self.say(
                    f"epoch {event.epoch} done in {event.seconds:.1f} s, {event.images_per_second:.1f} images/s, "
                    f"mean {_losses(event.losses)}"
                )
                self._record("epoch", event)
            case Evaluated():
                figures = ", ".join(_figure(*each) for each in event.metrics.items())
                best = " (best)" if event.is_best else ""
                self.say(f"epoch {event.epoch} evaluated in {event.seconds:.1f} s: {figures}{best}")
                self._record("evaluation", event)
            case StoppedEarly():
                self.say(f"stopped early after epoch {event.epoch}: not better in {event.evaluations} evaluations")
            case Saved():
                self.say(f"saved {event.name} to {event.path}")

    def _record(self, kind: str, event: EpochDone | Evaluated) -> None:
        append_text(self.run.metrics_path, json.dumps({"kind": kind, **asdict(event)}) + "\n")


def _place(line: bytes) -> float:
    """The epoch that a line is about, less a half for its losses, which come before its evaluation.

    Infinity when it is no whole record.
    """
    try:
        record = json.loads(line)
        return float(record["epoch"]) - (0.5 if record["kind"] == "epoch" else 0.0)
    except (ValueError, LookupError, TypeError):
        return math.inf


def describe_step(event: StepDone) -> str:
    """One line about one iteration."""
    return (
        f"epoch {event.epoch}/{event.epochs} iteration {event.iteration}/{event.iterations} "
        f"lr {event.learning_rate:.3g} {_losses(event.losses)} "
        f"{event.images_per_second:.1f} images/s eta {eta(event.eta_seconds)}"
    )


def eta(seconds: float) -> str:
    """Hours, minutes and seconds as h:mm:ss."""
    minutes, second = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"


def _figure(key: str, value: float) -> str:
    """A figure with the field's name, or a count: `rank-1 88.45 %`, `queries 3368`."""
    shown = percent(value) if key.rpartition("/")[2] in NAMES else f"{value:.5g}"
    return f"{name_in_words(key)} {shown}"


def _losses(losses: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.4f}" for name, value in losses.items())
