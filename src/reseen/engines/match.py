"""`Match`: how alike two images are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reseen.calibration.calibration import Calibration
    from reseen.calibration.verdict import Answer, Verdict


@dataclass(frozen=True)
class Match:
    """How alike two images are.

    Attributes:
        score: cosine similarity, -1 to 1.
        verdict: whether that is one person, and how often such an answer is wrong; None without a calibration.
        name: what was found in a search; None where two given images were compared.
    """

    score: float
    verdict: Verdict | None = None
    name: str | None = None

    @property
    def answer(self) -> Answer | None:
        """`same`, `different` or `unsure`; None without a calibration."""
        return None if self.verdict is None else self.verdict.answer

    @property
    def probability(self) -> float | None:
        """Of being one person, 0 to 1, as the verdict tells it; None without a calibration."""
        return None if self.verdict is None else self.verdict.probability

    def __repr__(self) -> str:
        told = [f"{self.score:.4f}", *filter(None, [self.answer, self.name])]
        return f"Match({', '.join(told)})"


def compared(calibration: Calibration | None, score: float) -> Match:
    """What the score of two images means.

    Args:
        calibration: of the model; None where there is none.
        score: cosine similarity.
    """
    if calibration is None:
        return Match(score)
    from reseen.calibration.verdict import compare_verdict  # noqa: PLC0415 - scipy, which scores do not need

    return Match(score, compare_verdict(calibration, score))


def found(calibration: Calibration | None, score: float, name: str, people: int) -> Match:
    """What the score of a search's result means.

    Args:
        calibration: of the model; None where there is none.
        score: cosine similarity.
        name: of what was found.
        people: there are to be found, at most.
    """
    if calibration is None or people < 1:
        return Match(score, name=name)
    from reseen.calibration.verdict import search_verdict  # noqa: PLC0415 - scipy, which scores do not need

    return Match(score, search_verdict(calibration, score, people), name)
