"""`Measurements`: everything that a report shows of one retrieval set, measured in one pass over its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reseen.assess.extract import Progress
from reseen.assess.ranking import ranking_scores
from reseen.evaluation.bootstrap import metric_intervals
from reseen.evaluation.metrics import Metrics
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.ranked_list import RankedLists
from reseen.evaluation.reranking import DEFAULT_MEMORY
from reseen.evaluation.thorough import Thorough, evaluate_thoroughly
from reseen.evaluation.verification import Verification
from reseen.recipe.schema import Reranking
from reseen.scores.interval import Interval

LENGTH = 10
"""Of the ranked lists."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """What was measured.

    Attributes:
        retrieval: on which features.
        metrics: figures of the protocol.
        intervals: 95 % intervals of the headline figures by their names; empty with one person.
        further: figures beyond them.
        verification: pairs of the same person and of two, for curves.
        lists: the first places of every query.
    """

    retrieval: RetrievalSet
    metrics: Metrics
    intervals: Mapping[str, Interval]
    further: Thorough
    verification: Verification
    lists: RankedLists


def measure(
    retrieval: RetrievalSet,
    reranking: Reranking | None = None,
    memory: float = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> Measurements:
    """Measure everything by the same ranking.

    Args:
        retrieval: the features.
        reranking: how the ranking is improved, None for cosine similarity.
        memory: GB that re-ranking takes at most beside the features.
        progress: told how far re-ranking has come.

    Raises:
        FeaturesError: no query can be evaluated, or too few images to re-rank.
        UsageError: too little memory to re-rank.
    """
    lists = RankedLists(retrieval, LENGTH)
    scores = ranking_scores(retrieval, reranking, memory, progress)
    metrics, further, verification = evaluate_thoroughly(retrieval, scores, lists)
    return Measurements(retrieval, metrics, metric_intervals(metrics, retrieval), further, verification, lists)
