"""`Measurements`: everything that a report shows of one retrieval set, measured in one pass over its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reseen.evaluation.bootstrap import Interval, metric_intervals
from reseen.evaluation.metrics import Metrics
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.thorough import Thorough, evaluate_thoroughly
from reseen.evaluation.verification import Verification


@dataclass(frozen=True, eq=False)
class Measurements:
    """What was measured.

    Attributes:
        retrieval: on which features.
        metrics: figures of the protocol.
        intervals: 95 % intervals of the headline figures by their names; empty with one person.
        further: figures beyond them.
        verification: pairs of the same person and of two, for curves.
    """

    retrieval: RetrievalSet
    metrics: Metrics
    intervals: Mapping[str, Interval]
    further: Thorough
    verification: Verification


def measure(retrieval: RetrievalSet) -> Measurements:
    """Measure by cosine similarity.

    Raises:
        FeaturesError: no query can be evaluated.
    """
    metrics, further, verification = evaluate_thoroughly(retrieval)
    return Measurements(retrieval, metrics, metric_intervals(metrics, retrieval), further, verification)
