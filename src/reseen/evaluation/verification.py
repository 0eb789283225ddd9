"""Are these two images of one person? ROC and TAR@FAR over pairs of images from different cameras.

A genuine pair is a query with one of its matches, an impostor pair is a query with an image of somebody else,
distractors among them, by another camera. Where a camera is not known, any other image counts.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """The lowest threshold that keeps the false accepts within a rate.

    Attributes:
        far: the rate asked for.
        supported: whether the impostor pairs can tell: `MIN_ERRORS` of them are expected at this rate. If they cannot,
            the rest is None.
        threshold: pairs are accepted from this score on.
        measured_far: share of the impostor pairs that are accepted; at most `far`.
        tar: share of the genuine pairs that are accepted.
        tar_interval: 95 % interval of `tar` by drawing people; None with fewer than two.
    """

    far: float
    supported: bool
    threshold: float | None = None
    measured_far: float | None = None
    tar: float | None = None
    tar_interval: Interval | None = None


@dataclass(frozen=True, eq=False)
class ROC:
    """Rates at every threshold that separates two pairs, thresholds descending.

    Attributes:
        thresholds: pairs are accepted from this score on.
        far: share of the impostor pairs that are accepted.
        tar: share of the genuine pairs that are accepted.
    """

    thresholds: Float64[np.ndarray, " t"]
    far: Float64[np.ndarray, " t"]
    tar: Float64[np.ndarray, " t"]


class Verification:
    """Collects the pairs of a stream of scores; see `watched`."""

    def __init__(self, retrieval: RetrievalSet) -> None:
        self.genuine, self.impostor = ScoreHistogram(), ScoreHistogram()
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
        genuine = scores[pairs.queries[match], pairs.gallery[match]]
        camera = retrieval.query_cameras[queries]
        left_out = (camera[:, None] == retrieval.gallery_cameras) & (camera != UNKNOWN_CAMERA)[:, None]
        left_out[pairs.queries, pairs.gallery] = True
        self.impostor.add(scores, left_out)
        self.genuine.add(genuine)
        self._scores.append(genuine)
        self._people.append(retrieval.query_persons[queries[pairs.queries[match]]])

    def at(self, far: float, *, seed: int = 0) -> VerificationPoint:
        """The threshold for a false-accept rate, 0..1, and what it accepts.

        Raises:
            FeaturesError: no genuine or no impostor pair was collected.
        """
        self._check()
        if far * self.impostor.total < MIN_ERRORS:
            return VerificationPoint(far, supported=False)
        place = self.impostor.threshold(far)
        accepted = np.concatenate(self._scores) >= THRESHOLDS[place]
        people = np.concatenate(self._people)
        bounds = None
        if len(np.unique(people)) >= MIN_PEOPLE:
            bounds = interval(bootstrap_means(accepted[:, None].astype(np.float64), people, seed=seed)[:, 0])
        return VerificationPoint(
            far,
            supported=True,
            threshold=float(THRESHOLDS[place]),
            measured_far=float(self.impostor.reaching()[place] / self.impostor.total),
            tar=float(accepted.mean()),
            tar_interval=bounds,
        )

    def roc(self) -> ROC:
        """Both rates at every threshold, from accepting nothing to accepting everything.

        Raises:
            FeaturesError: no genuine or no impostor pair was collected.
        """
        self._check()
        # A threshold says nothing new where no score lies between it and the one above.
        new = np.flatnonzero(np.append(self.genuine.counts + self.impostor.counts, 1))[::-1]
        return ROC(
            thresholds=THRESHOLDS[new],
            far=self.impostor.reaching()[new] / self.impostor.total,
            tar=self.genuine.reaching()[new] / self.genuine.total,
        )

    def _check(self) -> None:
        if not (self.genuine.total and self.impostor.total):
            raise FeaturesError(
                "there is nothing to verify",
                expected="pairs of one person and pairs of two, by different cameras",
                got=f"{self.genuine.total} pairs of one person, {self.impostor.total} of two",
                cure="add images of further people by other cameras",
            )
