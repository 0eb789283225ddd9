"""`WeightsReport`: how the entries of a weight file and the parameters of a model meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

LISTED = 10
"""Names that a message spells out."""
COUNTER = "num_batches_tracked"
"""Batch norm's counter may be absent: it matters only to averages without a momentum, which no model here uses."""


class Mismatch(NamedTuple):
    """An entry whose shape in the file differs from the model's."""

    name: str
    expected: tuple[int, ...]
    got: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} is {self.got} instead of {self.expected}"


@dataclass(frozen=True)
class WeightsReport:
    """What becomes of the entries of a file and the parameters and buffers of a model.

    Attributes:
        source: the file.
        loaded: those that take their value from the file.
        missing: those the file does not hold; they keep the value they have. Batch norm's counters are not listed.
        unused: entries of the file that the model does not have.
        mismatched: those in both, but of different shapes; they keep the value they have.
    """

    source: Path
    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    mismatched: tuple[Mismatch, ...]

    def summary(self) -> str:
        """One line with the number loaded, and one more for each kind of difference."""
        return "\n  ".join([f"{self.source.name}: {len(self.loaded)} loaded", *self.differences()])

    def differences(self) -> list[str]:
        """A line for each kind of difference there is: how many, and the first `LISTED` of them."""
        kinds = {"missing": self.missing, "unused": self.unused, "of another shape": self.mismatched}
        return [f"{len(entries)} {kind}: {first(entries)}" for kind, entries in kinds.items() if entries]

    def unexpected(self, expected_missing: Sequence[str], expected_unused: Sequence[str]) -> WeightsReport:
        """The differences that no glob pattern expects; one of shape is expected by a pattern of both kinds."""
        return WeightsReport(
            self.source,
            loaded=(),
            missing=tuple(name for name in self.missing if not _matches(name, expected_missing)),
            unused=tuple(name for name in self.unused if not _matches(name, expected_unused)),
            mismatched=tuple(
                entry
                for entry in self.mismatched
                if not (_matches(entry.name, expected_missing) and _matches(entry.name, expected_unused))
            ),
        )


def compare(wanted: Mapping[str, Tensor], entries: Mapping[str, Tensor], source: Path) -> WeightsReport:
    """Compare a model's state with the entries of a file, by name and shape."""
    shared = [name for name in wanted if name in entries]
    return WeightsReport(
        source,
        loaded=tuple(name for name in shared if entries[name].shape == wanted[name].shape),
        missing=tuple(name for name in wanted if name not in entries and not name.endswith(COUNTER)),
        unused=tuple(name for name in entries if name not in wanted),
        mismatched=tuple(
            Mismatch(name, tuple(wanted[name].shape), tuple(entries[name].shape))
            for name in shared
            if entries[name].shape != wanted[name].shape
        ),
    )


def first(entries: Sequence[object]) -> str:
    """The first `LISTED` entries, and how many more there are."""
    more = f" and {len(entries) - LISTED} more" if len(entries) > LISTED else ""
    return ", ".join(str(entry) for entry in entries[:LISTED]) + more


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
