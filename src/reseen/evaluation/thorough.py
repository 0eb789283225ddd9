"""All that one stream of scores tells: the metrics, verification, open-set identification, camera pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from reseen.errors import FeaturesError
from reseen.evaluation.camera_pairs import CameraPair, CameraPairs
from reseen.evaluation.metrics import Metrics, evaluate
from reseen.evaluation.open_set import OpenSet, OpenSetPoint
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.verification import Verification, VerificationPoint
from reseen.evaluation.watch import Watcher, watched
from reseen.scores.figures import percent
from reseen.shapes import Float32

Made = TypeVar("Made")

PRECISION_AT = (1, 5, 10)
FALSE_MATCH_RATES = (1e-2, 1e-3, 1e-4)
FALSE_POSITIVE_RATES = (1e-1, 1e-2)
WEAKEST = 5
"""How many camera pairs people are shown."""


@dataclass(frozen=True)
class Thorough:
    """Figures beyond the headline.

    Attributes:
        precision: precision@k, by k.
        verification: TMR at false-match rates.
        enrolled, strangers: people in the gallery, and taken out of it, for `open_set`; 0 when nobody was.
        open_set: DIR at false-positive identification rates.
        camera_pairs: figures of every pair of cameras.
        left_out: what could not be measured, and why.
    """

    precision: dict[int, float]
    verification: tuple[VerificationPoint, ...]
    enrolled: int
    strangers: int
    open_set: tuple[OpenSetPoint, ...]
    camera_pairs: tuple[CameraPair, ...]
    left_out: tuple[str, ...]

    def figures(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "verification": [point.figures() for point in self.verification]}

    def lines(self) -> list[str]:
        """For people to read."""
        precisions = ", ".join(f"precision@{k} {percent(value)}" for k, value in self.precision.items())
        return [
            precisions,
            *(_verified(point) for point in self.verification),
            *(self._identified(point) for point in self.open_set),
            *(
                f"weak cameras: {pair.query_camera} → {pair.gallery_camera}, rank-1 {percent(pair.recall1)}, "
                f"mAP {percent(pair.mAP)}, {pair.queries} queries"
                for pair in sorted(self.camera_pairs, key=lambda pair: pair.mAP)[:WEAKEST]
            ),
            *(f"not measured: {reason}" for reason in self.left_out),
        ]

    def _identified(self, point: OpenSetPoint) -> str:
        name = f"DIR@FPIR={point.fpir * 100:g}%, {self.enrolled} people enrolled, {self.strangers} strangers: "
        if not point.supported or point.dir is None:
            return f"{name}not measurable, too few false positives"
        bounds = f" (95 % CI {point.dir_interval})" if point.dir_interval else ""
        return f"{name}{percent(point.dir)}{bounds}, score ≥ {point.threshold:.4f}"


def _verified(point: VerificationPoint) -> str:
    name = f"TMR@FMR={point.fmr * 100:g}%: "
    if not point.supported or point.tmr is None:
        return f"{name}not measurable, too few false matches"
    bounds = f" (95 % CI {point.tmr_interval})" if point.tmr_interval else ""
    return f"{name}{percent(point.tmr)}{bounds}, score ≥ {point.threshold:.4f}"


class EverythingMeasured(NamedTuple):
    """What one pass over the scores has told.

    Attributes:
        metrics: the figures of the protocol.
        further: those beyond them.
        verification: the pairs that `further` has the rates of, for curves.
    """

    metrics: Metrics
    further: Thorough
    verification: Verification


def evaluate_thoroughly(
    retrieval: RetrievalSet, scores: Iterable[Float32[np.ndarray, "_ g"]] | None = None, *watchers: Watcher
) -> EverythingMeasured:
    """`evaluate`, and everything else that the same scores tell.

    Args:
        retrieval: the queries and the gallery.
        scores: as `evaluate` takes them, between -1 and 1.
        watchers: what else is to see them, after they have been checked.

    Raises:
        FeaturesError: every query is skipped, or a score is not finite or beyond -1..1.
    """
    left_out: list[str] = []
    verification = Verification(retrieval)
    open_set = _made(OpenSet, retrieval, left_out)
    camera_pairs = _made(CameraPairs, retrieval, left_out)
    ours: list[Watcher] = [each for each in (verification, open_set, camera_pairs) if each is not None]
    metrics = evaluate(retrieval, watched(retrieval, scores, *ours, *watchers))
    further = Thorough(
        precision={k: metrics.precision(k) for k in PRECISION_AT},
        verification=_verification_points(verification, left_out),
        enrolled=0 if open_set is None else open_set.enrolled_people,
        strangers=0 if open_set is None else len(open_set.strangers),
        open_set=() if open_set is None else tuple(open_set.at(rate) for rate in FALSE_POSITIVE_RATES),
        camera_pairs=() if camera_pairs is None else tuple(camera_pairs.figures()),
        left_out=tuple(left_out),
    )
    return EverythingMeasured(metrics, further, verification)


def _made(kind: Callable[[RetrievalSet], Made], retrieval: RetrievalSet, left_out: list[str]) -> Made | None:
    try:
        return kind(retrieval)
    except FeaturesError as error:
        left_out.append(error.what)
        return None


def _verification_points(verification: Verification, left_out: list[str]) -> tuple[VerificationPoint, ...]:
    try:
        return tuple(verification.at(rate) for rate in FALSE_MATCH_RATES)
    except FeaturesError as error:
        left_out.append(error.what)
        return ()
