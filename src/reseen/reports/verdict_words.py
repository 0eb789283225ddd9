"""What a verdict says, for people to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reseen.calibration.verdict import Verdict

ANSWERS = {"same": "same person", "unsure": "unsure", "different": "different people"}


def compared(verdict: Verdict) -> str:
    """Of two images."""
    from reseen.calibration.verdict import FALSE_NON_MATCH_RATE  # noqa: PLC0415 - scipy, which scores do not need

    answer = ANSWERS[verdict.answer]
    if verdict.answer == "different":
        return f"{answer}: of the pairs of one person, {FALSE_NON_MATCH_RATE:.2g} score this low{_measured(verdict)}"
    if verdict.error_rate is None:
        return f"{answer}: the score is below all thresholds{_measured(verdict)}"
    return f"{answer}: of the pairs of two people, {_rate(verdict)} score this high{_measured(verdict)}"


def searched(verdict: Verdict) -> str:
    """Of one who was found by a search."""
    answer = ANSWERS[verdict.answer]
    if verdict.error_rate is None:
        return answer
    return f"{answer}: of strangers' searches, {_rate(verdict)} find somebody this alike"


def _rate(verdict: Verdict) -> str:
    low, high = verdict.error_interval or (0.0, 1.0)
    return f"{verdict.error_rate:.2g} ({low:.2g} to {high:.2g})"


def _measured(verdict: Verdict) -> str:
    return f", measured on {verdict.calibration}"
