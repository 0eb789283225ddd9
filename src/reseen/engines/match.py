"""`Match`: how alike two images are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reseen.calibration.verdict import Verdict


@dataclass(frozen=True)
class Match:
    """How alike two images are.

    Attributes:
        score: cosine similarity, -1 to 1.
        verdict: whether that is one person, and how often such an answer is wrong; None without a calibration.
    """

    score: float
    verdict: Verdict | None = None
