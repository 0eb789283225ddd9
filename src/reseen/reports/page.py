"""`report.html`: one self-contained page about one evaluation."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import reseen
from reseen.assess.description import StoredEvaluation
from reseen.assess.extract import Progress
from reseen.assess.measurements import Measurements, measure
from reseen.assess.ranking import reranking_in_words, score_in_words
from reseen.evaluation.bootstrap import RESAMPLES
from reseen.evaluation.open_set import OpenSetPoint
from reseen.evaluation.reranking import DEFAULT_MEMORY
from reseen.evaluation.verification import VerificationPoint
from reseen.files import write_whole
from reseen.reports.camera_matrix import camera_matrix
from reseen.reports.charts import Mark
from reseen.reports.curves import Chart, cmc_chart, det_chart, roc_chart, score_chart
from reseen.reports.page_template import page_template
from reseen.reports.pictures import gone_in_words, picture_lists
from reseen.scores.figures import NAMES
from reseen.scores.interval import Interval
from reseen.scores.matches import SkippedQueries

NAMES_SHOWN = 10


def write_report(
    reported: StoredEvaluation, path: Path, *, memory: float = DEFAULT_MEMORY, progress: Progress | None = None
) -> Measurements:
    """Write the page; what was measured for it.

    Args:
        reported: what it is about.
        path: of the page.
        memory: GB that re-ranking takes at most beside the features.
        progress: told how far re-ranking has come.

    Raises:
        FeaturesError: no query can be evaluated.
        UsageError: too little memory to re-rank.
        StorageError: it cannot be written.
    """
    measured = measure(reported.retrieval, reported.reranking, memory, progress)
    score = score_in_words(reported.reranking)
    further = measured.further
    lists = picture_lists(
        measured.retrieval, measured.metrics, measured.lists.of, reported.query_paths, reported.gallery_paths
    )
    html = page_template("report.html").render(
        title=reported.title,
        subtitle=reported.model,
        headline=_headline(measured),
        counts=_counts(measured),
        reranking=reported.reranking and reranking_in_words(reported.reranking),
        score=score,
        resamples=f"{RESAMPLES:,}",
        charts=_charts(measured, score),
        points=[_verified(point) for point in further.verification],
        further=further,
        strangers=[_identified(point) for point in further.open_set],
        matrix=camera_matrix(further.camera_pairs),
        lists=lists,
        gone=gone_in_words(each for shown in lists for each in (shown.query, *shown.matches)),
        skipped=_skipped(measured.metrics.skipped, reported),
        command=reported.command,
        version=reseen.__version__,
        date=date.today().isoformat(),
    )
    write_whole(path, html)
    return measured


def _headline(measured: Measurements) -> list[dict[str, str]]:
    figures = []
    for key, name in NAMES.items():
        bounds = measured.intervals.get(key)
        interval = f"{bounds.low * 100:.1f} to {bounds.high * 100:.1f} %" if bounds is not None else ""
        figures.append({"name": name, "value": f"{getattr(measured.metrics, key) * 100:.2f} %", "interval": interval})
    return figures


def _counts(measured: Measurements) -> str:
    retrieval, metrics = measured.retrieval, measured.metrics
    people = len(set(retrieval.query_persons[metrics.valid_queries].tolist()))
    distractors = int((retrieval.gallery_persons == 0).sum())
    parts = [f"{metrics.queries:,} queries of {people:,} people in {len(retrieval.gallery_persons):,} gallery images"]
    if distractors:
        parts.append(f"{distractors:,} of them distractors")
    if retrieval.junk_dropped:
        parts.append(f"{retrieval.junk_dropped:,} junk images dropped")
    if not retrieval.cameras_known:
        parts.append("no cameras known: only the query image itself is excluded")
    return ", ".join(parts) + "."


def _charts(measured: Measurements, score: str) -> list[Chart]:
    points = measured.further.verification
    charts = [cmc_chart(measured.metrics, len(measured.retrieval.gallery_persons))]
    if points:
        marks = [Mark(point.threshold, f"{point.fmr * 100:g} %") for point in points if point.threshold is not None]
        roc = measured.verification.roc()
        charts += [score_chart(measured.verification, marks, score), roc_chart(roc), det_chart(roc)]
    return charts


def _verified(point: VerificationPoint) -> dict[str, str]:
    return _at_rate(point.fmr, point.threshold, point.tmr, point.tmr_interval, point.measured_fmr)


def _identified(point: OpenSetPoint) -> dict[str, str]:
    return _at_rate(point.fpir, point.threshold, point.dir, point.dir_interval, point.measured_fpir)


def _at_rate(
    rate: float, threshold: float | None, found: float | None, bounds: Interval | None, measured: float | None
) -> dict[str, str]:
    """A row about a rate of errors; the rest is None where too little was measured to tell."""
    if threshold is None or found is None or measured is None:
        return {"rate": f"{rate * 100:g} %", "threshold": "–", "found": "not measurable", "measured": "–"}
    interval = f" ({bounds.low * 100:.1f} to {bounds.high * 100:.1f} %)" if bounds is not None else ""
    return {
        "rate": f"{rate * 100:g} %",
        "threshold": f"{threshold:.4f}",
        "found": f"{found * 100:.1f} %{interval}",
        "measured": f"{measured * 100:.4f} %",
    }


def _skipped(skipped: SkippedQueries, reported: StoredEvaluation) -> list[dict[str, str]]:
    paths = reported.query_paths
    root = os.path.commonpath((*paths, *reported.gallery_paths)) if paths else ""
    reasons = []
    for reason, places in skipped.by_reason.items():
        if len(places):
            names = [str(paths[place].relative_to(root)) for place in places[:NAMES_SHOWN]] if paths else []
            more = ", …" if paths and len(places) > NAMES_SHOWN else ""
            reasons.append({"count": f"{len(places):,}", "text": str(reason), "names": ", ".join(names) + more})
    return reasons
