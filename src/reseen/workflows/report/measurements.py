"""`Measurements`: everything that a report shows of one retrieval set, measured in one pass over its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reseen.evaluation.bootstrap import Interval, metric_intervals
from reseen.evaluation.camera_pairs import CameraPair, CameraPairs
from reseen.evaluation.metrics import Metrics, evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.verification import Verification
from reseen.evaluation.watch import watched


@dataclass(frozen=True, eq=False)
class Measurements:
    """What was measured.

    Attributes:
        retrieval: on which features.
        metrics: figures of the protocol.
        intervals: 95 % intervals of the headline figures by their names; empty with one person.
        verification: pairs of the same person and of two.
        camera_pairs: figures from camera to camera; empty where cameras are not known.
    """

    retrieval: RetrievalSet
    metrics: Metrics
    intervals: Mapping[str, Interval]
    verification: Verification
    camera_pairs: tuple[CameraPair, ...]


def measure(retrieval: RetrievalSet) -> Measurements:
    """Measure by cosine similarity.

    Raises:
        FeaturesError: no query can be evaluated.
    """
    verification = Verification(retrieval)
    pairs = CameraPairs(retrieval) if retrieval.cameras_known else None
    watchers = [verification] if pairs is None else [verification, pairs]
    metrics = evaluate(retrieval, watched(retrieval, None, *watchers))
    return Measurements(
        retrieval,
        metrics,
        metric_intervals(metrics, retrieval),
        verification,
        () if pairs is None else tuple(pairs.figures()),
    )
