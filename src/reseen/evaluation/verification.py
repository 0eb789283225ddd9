"""Are these two images of one person? ROC and TMR@FMR over pairs of images from different cameras.

The false-match rate (FMR) is the share of different-person pairs that score at least a threshold, the true-match rate
(TMR) that of same-person pairs (ISO/IEC 19795-1). A same-person pair is a query with one of its matches, a
different-person pair is a query with an image of somebody else, distractors among them, by another camera. Where a
camera is not known, any other image counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from reseen.errors import FeaturesError
from reseen.evaluation.bootstrap import MIN_PEOPLE, bootstrap_means, interval
from reseen.evaluation.protocol import RetrievalSet
from reseen.scores.histogram import THRESHOLDS, ScoreHistogram
from reseen.scores.interval import MIN_ERRORS, Interval
from reseen.scores.labels import UNKNOWN_CAMERA
from reseen.shapes import Float32, Float64, Int64

PAIRS_AT_ONCE = 500_000


@dataclass(frozen=True)
class VerificationPoint:
    """The lowest threshold that keeps the false matches within a rate.

    Attributes:
        fmr: the rate asked for.
        supported: whether the different-person pairs can tell: `MIN_ERRORS` of them are expected at this rate. If they
            cannot, the rest is None.
        threshold: pairs match from this score on.
        measured_fmr: share of the different-person pairs that match; at most `fmr`.
        tmr: share of the same-person pairs that match.
        tmr_interval: 95 % interval of `tmr` by drawing people; None with fewer than two.
    """

    fmr: float
    supported: bool
    threshold: float | None = None
    measured_fmr: float | None = None
    tmr: float | None = None
    tmr_interval: Interval | None = None

    def figures(self) -> dict[str, Any]:
        """For programs, under the names that `--json` has always used."""
        return {
            "far": self.fmr,
            "supported": self.supported,
            "threshold": self.threshold,
            "measured_far": self.measured_fmr,
            "tar": self.tmr,
            "tar_interval": None if self.tmr_interval is None else asdict(self.tmr_interval),
        }


@dataclass(frozen=True, eq=False)
class ROC:
    """Rates at every threshold that separates two pairs, thresholds descending.

    Attributes:
        thresholds: pairs match from this score on.
        fmr: share of the different-person pairs that match.
        tmr: share of the same-person pairs that match.
    """

    thresholds: Float64[np.ndarray, " t"]
    fmr: Float64[np.ndarray, " t"]
    tmr: Float64[np.ndarray, " t"]


class Verification:
    """Collects the pairs of a stream of scores; see `watched`."""

    def __init__(self, retrieval: RetrievalSet) -> None:
        self.same, self.different = ScoreHistogram(), ScoreHistogram()
        self._retrieval = retrieval
        self._scores: list[Float32[np.ndarray, " _"]] = []
        self._people: list[Int64[np.ndarray, " _"]] = []

    def add(self, queries: Int64[np.ndarray, " b"], scores: Float32[np.ndarray, "b g"]) -> None:
        """Count the pairs of some queries (places in the query set) with the whole gallery.

        Raises:
            FeaturesError: a score is not finite, or lies beyond -1..1.
        """
        height = max(1, PAIRS_AT_ONCE // scores.shape[1])
        for start in range(0, len(queries), height):
            self._add(queries[start : start + height], scores[start : start + height])

    def _add(self, queries: Int64[np.ndarray, " b"], scores: Float32[np.ndarray, "b g"]) -> None:
        retrieval = self._retrieval
        pairs = retrieval.same_person(queries)
        match = ~pairs.excluded
        same = scores[pairs.queries[match], pairs.gallery[match]]
        camera = retrieval.query_cameras[queries]
        left_out = (camera[:, None] == retrieval.gallery_cameras) & (camera != UNKNOWN_CAMERA)[:, None]
        left_out[pairs.queries, pairs.gallery] = True
        self.different.add(scores, left_out)
        self.same.add(same)
        self._scores.append(same)
        self._people.append(retrieval.query_persons[queries[pairs.queries[match]]])

    def at(self, fmr: float, *, seed: int = 0) -> VerificationPoint:
        """The threshold for a false-match rate, 0..1, and which pairs match there.

        Raises:
            FeaturesError: no same-person or no different-person pair was collected.
        """
        self._check()
        if fmr * self.different.total < MIN_ERRORS:
            return VerificationPoint(fmr, supported=False)
        place = self.different.threshold(fmr)
        matched = np.concatenate(self._scores) >= THRESHOLDS[place]
        people = np.concatenate(self._people)
        bounds = None
        if len(np.unique(people)) >= MIN_PEOPLE:
            bounds = interval(bootstrap_means(matched[:, None].astype(np.float64), people, seed=seed)[:, 0])
        return VerificationPoint(
            fmr,
            supported=True,
            threshold=float(THRESHOLDS[place]),
            measured_fmr=float(self.different.reaching()[place] / self.different.total),
            tmr=float(matched.mean()),
            tmr_interval=bounds,
        )

    def roc(self) -> ROC:
        """Both rates at every threshold, from no match to matches only.

        Raises:
            FeaturesError: no same-person or no different-person pair was collected.
        """
        self._check()
        # A threshold says nothing new where no score lies between it and the one above.
        new = np.flatnonzero(np.append(self.same.counts + self.different.counts, 1))[::-1]
        return ROC(
            thresholds=THRESHOLDS[new],
            fmr=self.different.reaching()[new] / self.different.total,
            tmr=self.same.reaching()[new] / self.same.total,
        )

    def _check(self) -> None:
        if not (self.same.total and self.different.total):
            raise FeaturesError(
                "there are no pairs to verify",
                expected="same-person and different-person pairs, by different cameras",
                got=f"{self.same.total} same-person pairs, {self.different.total} different-person pairs",
                cure="add images of more people from other cameras",
            )
