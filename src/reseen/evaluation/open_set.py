"""Searching for people of whom some are not in the gallery: how often the right one is named, how often a wrong one.

Detection and identification rate at a false-positive identification rate, DIR@FPIR (Phillips, Grother and Micheals,
"Evaluation methods in face recognition", in: Handbook of Face Recognition, 2nd ed., 2011): a search names the first
entry of its ranking when that scores at least the threshold.

- DIR, over queries of enrolled people: the first entry is that person *and* reaches the threshold.
- FPIR, over queries of strangers: the first entry, whoever it is, reaches the threshold.

Strangers are made here: of the people who can be found, a share is drawn with a seed and taken out of the gallery, and
their queries are the strangers' searches. Only valid queries search. A query whose person the gallery lacks from the
start would be a stranger's as well, but the protocol skips it, and it is not counted here either. So what is measured
is one division of the people, in a gallery of those who remain. All else is as the protocol has it: distractors are
entries, a person's images by the query's own camera are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reseen.errors import FeaturesError
from reseen.evaluation.bootstrap import MIN_PEOPLE, bootstrap_means, interval
from reseen.evaluation.protocol import RetrievalSet
from reseen.scores.interval import MIN_ERRORS, Interval
from reseen.shapes import Bool, Float32, Int64

SHARE = 0.5
SCORES_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class OpenSetPoint:
    """The lowest threshold that keeps the false positives within a rate.

    Attributes:
        fpir: the rate asked for.
        supported: whether the strangers can tell: `MIN_ERRORS` of their searches are expected to go wrong at this
            rate. If they cannot, the rest is None.
        threshold: an entry is named from this score on.
        measured_fpir: share of the strangers' searches that name somebody; at most `fpir`.
        dir: share of the searches for enrolled people that name the right one.
        dir_interval: 95 % interval of `dir` by drawing people; None with fewer than two.
    """

    fpir: float
    supported: bool
    threshold: float | None = None
    measured_fpir: float | None = None
    dir: float | None = None
    dir_interval: Interval | None = None


class OpenSet:
    """Collects the first entries of a stream of scores; see `watched`.

    Args:
        retrieval: the queries and the gallery.
        share: how many of the people who can be found are taken out of the gallery, 0..1; at least one is, and
            at least one is not.
        seed: of the draw.

    Raises:
        FeaturesError: fewer than two people can be found.
    """

    def __init__(self, retrieval: RetrievalSet, *, share: float = SHARE, seed: int = 0) -> None:
        people = np.unique(retrieval.query_persons[retrieval.valid_queries])
        if len(people) < MIN_PEOPLE:
            raise FeaturesError(
                "too few people for open-set identification",
                expected=f"queries of at least {MIN_PEOPLE} people with matches in the gallery",
                got=str(len(people)),
                cure="add images of more people from other cameras",
            )
        count = min(max(round(share * len(people)), 1), len(people) - 1)
        self.strangers: Int64[np.ndarray, " s"] = np.sort(np.random.default_rng(seed).permutation(people)[:count])
        self.enrolled_people = len(np.unique(retrieval.gallery_persons[retrieval.gallery_persons > 0])) - count
        self._retrieval = retrieval
        self._entries = np.flatnonzero(~np.isin(retrieval.gallery_persons, self.strangers))
        self._found: list[tuple[Int64[np.ndarray, " _"], Float32[np.ndarray, " _"], Bool[np.ndarray, " _"]]] = []

    def add(self, queries: Int64[np.ndarray, " b"], scores: Float32[np.ndarray, "b g"]) -> None:
        """Find the first entries of some valid queries (places in the query set)."""
        height = max(1, SCORES_AT_ONCE // scores.shape[1])
        for start in range(0, len(queries), height):
            rows = queries[start : start + height]
            pairs = self._retrieval.same_person(rows)
            block = scores[start : start + height].copy()
            block[pairs.queries[pairs.excluded], pairs.gallery[pairs.excluded]] = -np.inf
            enrolled = block[:, self._entries]
            first = enrolled.argmax(axis=1)  # the first of equal ones, as in the ranking
            persons = self._retrieval.query_persons[rows]
            right = self._retrieval.gallery_persons[self._entries[first]] == persons
            self._found.append((persons, enrolled[np.arange(len(rows)), first], right))

    def at(self, fpir: float, *, seed: int = 0) -> OpenSetPoint:
        """The threshold for a false-positive identification rate, 0..1, and what it finds."""
        persons, best, right = (np.concatenate(part) for part in zip(*self._found, strict=True))
        stranger = np.isin(persons, self.strangers)
        wrong = np.sort(best[stranger])[::-1]
        allowed = int(fpir * len(wrong))
        if allowed < MIN_ERRORS or allowed >= len(wrong):
            return OpenSetPoint(fpir, supported=False)
        # Just above the best of those that must not be named, however many share its score.
        threshold = np.nextafter(wrong[allowed], np.float32(np.inf))
        hits = (right & (best >= threshold))[~stranger].astype(np.float64)
        bounds = None
        if len(np.unique(persons[~stranger])) >= MIN_PEOPLE:
            bounds = interval(bootstrap_means(hits[:, None], persons[~stranger], seed=seed)[:, 0])
        return OpenSetPoint(
            fpir,
            supported=True,
            threshold=float(threshold),
            measured_fpir=float(np.mean(wrong >= threshold)),
            dir=float(hits.mean()),
            dir_interval=bounds,
        )
