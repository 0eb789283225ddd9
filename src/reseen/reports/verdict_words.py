"""What a verdict says, for people to read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reseen.calibration.verdict import Verdict

ANSWERS = {"same": "same person", "unsure": "unsure", "different": "different people"}
MOST_DECIMALS = 4
LEAST = 0.001
"""Per cent below which, or so near to 100, a share is not told."""


def compared(verdict: Verdict) -> str:
    """Of two images: `same person · false-match rate 0.12 % (95 % CI 0.05–0.25 %) · probability 98 % · …`."""
    return " · ".join([*_judged(verdict, "false-match rate"), f"calibrated on {verdict.calibration}"])


def searched(verdict: Verdict) -> str:
    """Of one who was found by a search; the rate is the chance that a stranger to the gallery scores this high."""
    return " · ".join(_judged(verdict, "false-positive rate"))


def per_cent(share: float) -> str:
    """A share with two digits, of what is missing to 100 % where that is less: `0.12 %`, `98.0 %`, `> 99.99 %`."""
    short = min(share, 1 - share)
    if short <= 0:
        return f"{100 * share:.0f} %"
    decimals = max(0, 1 - math.floor(math.log10(100 * short)))
    if decimals > MOST_DECIMALS:
        return f"< {LEAST:g} %" if share < 1 / 2 else f"> {100 - LEAST:g} %"
    return f"{100 * share:.{decimals}f} %"


def with_interval(rate: float, low: float, high: float) -> str:
    """A rate and the bounds of its interval: `0.12 % (95 % CI 0.05–0.25 %)`."""
    return f"{per_cent(rate)} (95 % CI {per_cent(low).removesuffix(' %')}–{per_cent(high)})"


def _answer(verdict: Verdict) -> str:
    return ANSWERS[verdict.answer] + (f": {_why(verdict)}" if verdict.answer == "unsure" else "")


def _why(verdict: Verdict) -> str:
    """Why a verdict is unsure."""
    if verdict.reason == "unlike":
        return f"{verdict.unlike}; no error rate is known for such images"
    if verdict.reason == "gallery_too_large":
        return f"too large a gallery, this calibration reaches to {verdict.largest:,} people at this rate"
    same = "" if verdict.same_from is None else f"same from {verdict.same_from:.3f}"
    different = "" if verdict.different_below is None else f"different below {verdict.different_below:.3f}"
    if verdict.reason == "too_few_people":
        known = same or different
        cannot = "say more" if not known else "say which are the same" if not same else "say which are different"
        return (f"{known}; " if known else "") + f"too few people were calibrated on to {cannot}"
    return f"between the thresholds ({different}, {same})"


def _judged(verdict: Verdict, rate: str) -> list[str]:
    name = "false-non-match rate" if verdict.answer == "different" else rate
    return [_answer(verdict), *_rate(verdict, name), *_probability(verdict)]


def _rate(verdict: Verdict, name: str) -> list[str]:
    if verdict.error_rate is None or verdict.error_interval is None:
        return []
    told = f"{name} {with_interval(verdict.error_rate, *verdict.error_interval)}"
    return [f"{told}, extrapolated" if verdict.extrapolated else told]


def _probability(verdict: Verdict) -> list[str]:
    return [] if verdict.probability is None else [f"probability {per_cent(verdict.probability)}"]
