"""The report's charts: CMC, ROC, DET, and the scores of pairs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reseen.evaluation.metrics import Metrics
from reseen.evaluation.verification import ROC, Verification
from reseen.reports.charts import Axis, Line, Mark, Point, histogram, line_chart, percent_axis, rate_axis
from reseen.scores.histogram import THRESHOLDS
from reseen.shapes import Float64, Int64

RANKS = 50
RANK_TICKS = (1, 5, 10, 20, 30, 40)
LOWEST_RATE, HIGHEST_START = 1e-5, 1e-1
"""Between these the axis of a rate starts: at the power of ten below the least that was measured."""
BARS = 80
MOST_POINTS = 600
"""Of one curve: more than the eye can tell apart."""


class Chart(NamedTuple):
    """A picture and what it shows, in words."""

    svg: str
    caption: str


def cmc_chart(metrics: Metrics, entries: int) -> Chart:
    """rank-k for k from 1, to the end of a short gallery of so many entries."""
    last = max(min(RANKS, entries), 2)
    line = Line("", [(float(k), metrics.recall(k)) for k in range(1, last + 1)])
    ticks = [k for k in RANK_TICKS if k < last * 0.9] + [last]
    ranks = Axis("rank k", 1.0, float(last), [(float(k), str(k)) for k in ticks])
    lowest = np.floor(metrics.recall1 * 5) / 5
    share = percent_axis("rank-k") if lowest < 0.2 else _share_above(float(min(lowest, 0.8)))
    return Chart(line_chart([line], ranks, share, "rank-k for every k"), "CMC: rank-k over k.")


def roc_chart(roc: ROC) -> Chart:
    """True over false matches of pairs."""
    lowest = _start(roc.fmr)
    svg = line_chart(
        [Line("", _points(roc.fmr, roc.tmr, lowest))],
        rate_axis("false-match rate", lowest),
        percent_axis("true-match rate"),
        "True-match rate over false-match rate",
    )
    return Chart(svg, "ROC: share of same-person pairs that match, over that of different-person pairs.")


def det_chart(roc: ROC) -> Chart:
    """Missed over false matches of pairs, as far as any is missed."""
    lowest, missed = _start(roc.fmr), 1 - roc.tmr
    some = missed > 0
    svg = line_chart(
        [Line("", _points(roc.fmr[some], missed[some], lowest))],
        rate_axis("false-match rate", lowest),
        rate_axis("missed-match rate", _start(missed)),
        "Missed-match rate over false-match rate",
    )
    return Chart(
        svg, "DET: the same errors, both on logarithmic axes. Lower is better; the curve ends with the last miss."
    )


def _start(rates: Float64[np.ndarray, " t"]) -> float:
    """Where the axis of these rates starts."""
    least = float(rates[rates > 0].min(initial=1.0))
    return float(min(max(10.0 ** np.floor(np.log10(least)), LOWEST_RATE), HIGHEST_START))


def score_chart(verification: Verification, marks: list[Mark], score: str) -> Chart:
    """How the scores of pairs of one person and of two are spread.

    Args:
        verification: the pairs.
        marks: thresholds to show.
        score: what the scores are, in words.
    """
    same, different = verification.same.counts, verification.different.counts
    used = np.flatnonzero(same + different)
    low, high = THRESHOLDS[used[0]], THRESHOLDS[used[-1] + 1]
    low, high = np.floor(low * 10) / 10, np.ceil(high * 10) / 10
    ticks = [(float(tick), f"{tick:.1f}") for tick in np.arange(low, high + 0.05, 0.2 if high - low > 1 else 0.1)]
    svg = histogram(
        [
            ("one person", _shares(same, low, high).tolist(), "first"),
            ("two people", _shares(different, low, high).tolist(), "second"),
        ],
        Axis(score, float(low), float(high), ticks),
        "Scores of same-person and different-person pairs",
        marks,
    )
    pairs = f"{verification.same.total:,} same-person pairs, {verification.different.total:,} different-person pairs"
    dashed = " Dashed: the thresholds for these shares of false matches." if marks else ""
    return Chart(svg, f"Scores of {pairs}, by different cameras.{dashed}")


def _shares(counts: Int64[np.ndarray, " bins"], low: float, high: float) -> Float64[np.ndarray, " bars"]:
    """Share of the scores in each of `BARS` equal ranges."""
    bars = ((THRESHOLDS[:-1] - low) / (high - low) * BARS).astype(int).clip(0, BARS - 1)
    summed = np.bincount(bars, counts, minlength=BARS)
    shares: Float64[np.ndarray, " bars"] = summed / max(summed.sum(), 1.0)
    return shares


def _points(x: Float64[np.ndarray, " t"], y: Float64[np.ndarray, " t"], lowest: float) -> list[Point]:
    """A curve with a bearable number of points, evenly spread over its logarithmic x axis; both ends are kept."""
    inside = np.flatnonzero(x >= lowest)
    columns = (np.log(x[inside] / lowest) / -np.log(lowest) * MOST_POINTS).astype(int)
    _, first = np.unique(columns, return_index=True)
    before = inside[:1] - 1 if len(inside) and inside[0] else inside[:0]
    kept = np.unique(np.concatenate([before, inside[first], inside[-1:]]))
    return [(float(max(x[place], lowest)), float(y[place])) for place in kept]


def _share_above(low: float) -> Axis:
    ticks = np.linspace(low, 1.0, 5)
    return Axis("rank-k", low, 1.0, [(float(tick), f"{tick * 100:g} %") for tick in ticks])
