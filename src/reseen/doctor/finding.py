"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        name: what was looked at.
        status: `problem` keeps something from working, `note` is worth knowing.
        text: what was found.
        cure: what to do about a problem; notes and what is well have none.
    """

    name: str
    status: Status
    text: str
    cure: str | None = None

    def __post_init__(self) -> None:
        if (self.status == "problem") != (self.cure is not None):
            raise ValueError(f"{self.name} is {self.status}, and its cure is {self.cure}")
