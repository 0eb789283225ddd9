"""Two evaluations of the same queries and gallery, side by side: which is better, how surely, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

import reseen
from reseen.assess.description import StoredEvaluation
from reseen.assess.extract import Progress
from reseen.assess.ranking import ranking_scores, reranking_in_words, score_in_words
from reseen.evaluation.bootstrap import MIN_PEOPLE, RESAMPLES, bootstrap_means, interval
from reseen.evaluation.metrics import Metrics, evaluate
from reseen.evaluation.ranked_list import RankedLists
from reseen.evaluation.reranking import DEFAULT_MEMORY
from reseen.evaluation.watch import watched
from reseen.files import write_whole
from reseen.reports.page_template import page_template
from reseen.reports.pictures import Picture, camera_in_words, gone_in_words, picture, score_text
from reseen.reports.same_images import require_same_images
from reseen.scores.figures import NAMES
from reseen.scores.interval import Interval
from reseen.shapes import Int64

FLIPS_SHOWN = 12


@dataclass(frozen=True)
class Difference:
    """One figure of two evaluations, as fractions.

    Attributes:
        first: of the one.
        second: of the other.
        interval: 95 % interval of second - first, over people who are drawn for both alike; None for one person.
    """

    first: float
    second: float
    interval: Interval | None

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval is not None and (self.interval.low > 0 or self.interval.high < 0)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What differs between two evaluations.

    Attributes:
        differences: of the headline figures, by their names.
        gained: queries whose first image is right in the second evaluation alone; places in the query set.
        lost: those whose first image is right in the first alone.
        lists: the first place of every query in the first evaluation, and in the second.
    """

    differences: Mapping[str, Difference]
    gained: Int64[np.ndarray, " gained"]
    lost: Int64[np.ndarray, " lost"]
    lists: tuple[RankedLists, RankedLists]


def compare(
    first: StoredEvaluation,
    second: StoredEvaluation,
    *,
    memory: float = DEFAULT_MEMORY,
    progress: Progress | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare two evaluations of the same images, each re-ranked as it was.

    Args:
        first: the one.
        second: the other.
        memory: GB that re-ranking takes at most beside the features.
        progress: told how far re-ranking has come.
        seed: of the draws of people.

    Raises:
        FeaturesError: they are not of the same queries and gallery; no query can be evaluated.
        UsageError: too little memory to re-rank.
    """
    require_same_images(first, second)
    (one, lists), (other, other_lists) = (_ranked(each, memory, progress) for each in (first, second))
    people = first.retrieval.query_persons[one.valid_queries]
    gap = np.stack([other.per_query()[name] - values for name, values in one.per_query().items()], axis=1)
    bounds: list[Interval | None] = [None] * gap.shape[1]
    if len(np.unique(people)) >= MIN_PEOPLE:
        bounds = [interval(column) for column in bootstrap_means(gap, people, seed=seed).T]
    right, right_now = one.first_rank == 1, other.first_rank == 1
    return Comparison(
        {
            name: Difference(_figure(one, name), _figure(other, name), each)
            for name, each in zip(one.per_query(), bounds, strict=True)
        },
        gained=one.valid_queries[~right & right_now],
        lost=one.valid_queries[right & ~right_now],
        lists=(lists, other_lists),
    )


def _ranked(reported: StoredEvaluation, memory: float, progress: Progress | None) -> tuple[Metrics, RankedLists]:
    """The figures, and what is ranked first."""
    retrieval, lists = reported.retrieval, RankedLists(reported.retrieval, 1)
    scores = ranking_scores(retrieval, reported.reranking, memory, progress)
    return evaluate(retrieval, watched(retrieval, scores, lists)), lists


def write_comparison(
    first: StoredEvaluation,
    second: StoredEvaluation,
    path: Path,
    *,
    memory: float = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> Comparison:
    """Write the page; what was compared.

    Args:
        first: the one.
        second: the other.
        path: of the page.
        memory: GB that re-ranking takes at most beside the features.
        progress: told how far re-ranking has come.

    Raises:
        FeaturesError: the two are not of the same queries and gallery.
        UsageError: too little memory to re-rank.
        StorageError: it cannot be written.
    """
    found = compare(first, second, memory=memory, progress=progress)
    shown = FLIPS_SHOWN if first.query_paths else 0
    flips: list[dict[str, Any]] = [
        {
            "title": title,
            "count": len(places),
            "shown": [_flip(found, first, second, int(each)) for each in places[:shown]],
        }
        for title, places in (("Now right", found.gained), ("No longer right", found.lost))
    ]
    html = page_template("comparison.html").render(
        sides=_sides(first, second),
        title=second.title,
        rows=[_row(NAMES[name], difference) for name, difference in found.differences.items()],
        resamples=f"{RESAMPLES:,}",
        flips=flips,
        pictured=bool(first.query_paths),
        gone=gone_in_words(each for flip in flips for shown in flip["shown"] for each in shown.values()),
        version=reseen.__version__,
        date=date.today().isoformat(),
    )
    write_whole(path, html)
    return found


def _figure(metrics: Metrics, name: str) -> float:
    return float(getattr(metrics, name))


def _row(name: str, difference: Difference) -> dict[str, str]:
    bounds = difference.interval
    return {
        "name": name,
        "first": f"{difference.first * 100:.2f} %",
        "second": f"{difference.second * 100:.2f} %",
        "gap": f"{(difference.second - difference.first) * 100:+.2f}",
        "interval": f"{bounds.low * 100:+.2f} to {bounds.high * 100:+.2f}" if bounds is not None else "",
        "verdict": "" if not difference.certain else "higher" if difference.second > difference.first else "lower",
    }


def _sides(first: StoredEvaluation, second: StoredEvaluation) -> list[dict[str, str]]:
    """Both in words; where these are the same, with what only the one command says."""
    sides = [_side(each) for each in (first, second)]
    if sides[0]["model"] == sides[1]["model"]:
        words = [each.command.split() for each in (first, second)]
        for side, own, others in zip(sides, words, words[::-1], strict=True):
            only = " ".join(word for word in own if word not in others)
            side["model"] += f" ({only})" if only else ""
    return sides


def _side(reported: StoredEvaluation) -> dict[str, str]:
    """One of the two, in words."""
    reranking = "" if reported.reranking is None else f", re-ranked: {reranking_in_words(reported.reranking)}"
    return {
        "model": f"{reported.model}{reranking}",
        "score": score_in_words(reported.reranking),
        "command": reported.command,
    }


def _flip(found: Comparison, first: StoredEvaluation, second: StoredEvaluation, query: int) -> dict[str, Picture]:
    """A query with what each evaluation puts first."""
    camera = camera_in_words(first.retrieval, int(first.retrieval.query_cameras[query]))
    shown = {"query": picture(first.query_paths[query], camera)}
    for name, each, lists in zip(("first", "second"), (first, second), found.lists, strict=True):
        places, scores, hits = lists.of(query)
        camera = camera_in_words(each.retrieval, int(each.retrieval.gallery_cameras[places[0]]))
        shown[name] = picture(first.gallery_paths[places[0]], camera, score_text(scores[0]), hit=bool(hits[0]))
    return shown
