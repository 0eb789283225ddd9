"""Searching a gallery for a stranger: how often somebody is named all the same.

Every held-out person is a stranger to the gallery of all the others. From how many of them a search reaches a
threshold with, follows what a smaller gallery would do: of M people, k of whom reach it, a gallery of N drawn without
replacement holds none of the k with probability C(M − k, N) / C(M, N). The mean of the rest over the searches is the
false-positive identification rate (FPIR) of galleries of N people, without assuming that people are alike or
independent. Galleries of more than M − 1 people are not told, and neither are thresholds that fewer than `MIN_ERRORS`
people reach, or where the errors are of fewer than `MIN_SOURCES` strangers or people: nothing is extrapolated, and
nothing rests on one stranger who looks like everybody.

The interval is where the rate of *one* gallery of N others is expected when many strangers search it. Its variance is
the jackknife's, leaving out one person at a time as stranger and as part of the gallery; the second part grows by M / N
for the gallery's own luck with its people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy import sparse, special

from reseen.errors import FeaturesError
from reseen.evaluation.calibration_set import CalibrationSet
from reseen.evaluation.error_sources import MIN_SOURCES, error_sources
from reseen.evaluation.normalise import unit_rows
from reseen.evaluation.proportion import jackknife_variance, rate_interval
from reseen.evaluation.protocol import row_blocks
from reseen.evaluation.score_histogram import THRESHOLDS, ScoreHistogram
from reseen.evaluation.verification import MIN_ERRORS
from reseen.strict import Count, Rate, Strict

ScoringRule = Literal["best_image", "mean_feature"]
"""How alike a query and a person are: as the person's most similar image, or as the mean of the person's features."""

HIGHEST_RATE = 0.1
THRESHOLDS_A_DECADE = 8
SIZES_A_DECADE = 10
DIGITS = 6


class FalsePositives(Strict):
    """What happens from one threshold on, when strangers search.

    Attributes:
        threshold: somebody is named from this score on.
        rate: the chance that a stranger and one person of the gallery reach it: times the gallery's people, the number
            of false matches to expect.
        errors: how many pairs of a search and a person reached it.
        fpir: false-positive identification rates, for each of the sizes.
        low, high: bounds of their 95 % intervals.
    """

    threshold: float
    rate: Rate
    errors: Count
    fpir: tuple[Rate, ...]
    low: tuple[Rate, ...]
    high: tuple[Rate, ...]


class SearchCalibration(Strict):
    """What the best score of a search says.

    Attributes:
        scoring: how a query and a person are compared. Images by the query's own camera count too.
        searches: how many there were: one for each person and camera.
        images_per_person: mean of the gallery; with more of them the best one scores higher.
        people: numbers of people in a gallery, ascending.
        thresholds: ascending.
    """

    scoring: ScoringRule
    searches: Count
    images_per_person: float
    people: tuple[Count, ...]
    thresholds: tuple[FalsePositives, ...]

    def size(self, people: int) -> int | None:
        """The place in `people` of the smallest size that is no less; None beyond the largest."""
        return next((place for place, size in enumerate(self.people) if size >= people), None)

    def shown(self) -> tuple[int, ...]:
        """The powers of ten among `people`, from 10 on, and the largest, for people to read."""
        return tuple(size for size in self.people[1:] if str(size).strip("0") == "1" or size == self.people[-1])

    def reached(self, score: float) -> FalsePositives | None:
        """The highest threshold that a score reaches; None below all."""
        return next((each for each in reversed(self.thresholds) if score >= each.threshold), None)

    def threshold(self, people: int, fpir: float) -> FalsePositives | None:
        """The lowest threshold whose FPIR is at most this in a gallery of so many people; None where none is known."""
        place = self.size(people)
        return None if place is None else next((each for each in self.thresholds if each.fpir[place] <= fpir), None)


@dataclass(frozen=True, eq=False)
class _Searches:
    """The calibration set as strangers and gallery. People are numbered from 0, those with most entries first.

    Attributes:
        queries: features of the first image of each person by each camera.
        owners: the person of each.
        entries: features of the gallery: the first of every person, then the second of all who have one, and so on:
            the best of a person is then found several times as fast as with `np.maximum.reduceat` (measured).
        layers: where the first ones are, the second ones, and so on; each is in the order of the people.
    """

    queries: Float32[np.ndarray, "q d"]
    owners: Int64[np.ndarray, " q"]
    entries: Float32[np.ndarray, "n d"]
    layers: list[slice]

    @classmethod
    def of(cls, held: CalibrationSet, scoring: ScoringRule) -> _Searches:
        _, first = np.unique(np.stack([held.owners, held.cameras]), axis=1, return_index=True)
        queries = np.sort(first)
        if scoring == "mean_feature":
            means = np.add.reduceat(held.features.astype(np.float64), held.starts)
            entries = unit_rows(means, np.ones(held.people, dtype=bool), "mean")
            return cls(held.features[queries], held.owners[queries], entries, [slice(0, held.people)])
        counts = np.bincount(held.owners)
        number = np.argsort(np.argsort(-counts, kind="stable"))
        nth = np.arange(len(held.features)) - held.starts[held.owners]
        order = np.lexsort((number[held.owners], nth))
        ends = np.cumsum(np.bincount(nth))
        layers = [slice(int(start), int(end)) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        return cls(held.features[queries], number[held.owners[queries]], held.features[order], layers)

    def blocks(self) -> Iterator[tuple[slice, Float32[np.ndarray, "_ people"]]]:
        """Scores of every person for some of the searches; the stranger's own is minus infinity."""
        for block in row_blocks(len(self.queries), len(self.entries)):
            everything = self.queries[block] @ self.entries.T
            scores = everything[:, : self.layers[0].stop]
            for layer in self.layers[1:]:
                best = scores[:, : layer.stop - layer.start]
                np.maximum(best, everything[:, layer], out=best)
            scores[np.arange(len(scores)), self.owners[block]] = -np.inf
            yield block, scores


def calibrate_search(held: CalibrationSet, scoring: ScoringRule = "best_image") -> SearchCalibration:
    """Search for every held-out person among all the others.

    Raises:
        FeaturesError: too few pairs or people for any threshold, or a person's mean feature has no direction.
    """
    searches = _Searches.of(held, scoring)
    thresholds, errors = _thresholds(held, searches)
    others = held.people - 1
    sizes = _sizes(others - 1)
    tally = _Tally(searches.owners, held.people, len(thresholds), sizes)
    for block, scores in searches.blocks():
        tally.add(block, scores, thresholds)
    supported = [place for place in range(len(thresholds)) if tally.sources(place) >= MIN_SOURCES]
    if not supported:
        raise _too_small(
            held,
            f"false matches of at least {MIN_SOURCES} strangers and of as many people",
            f"of {max(map(tally.sources, range(len(thresholds))))}",
        )
    rates = errors / (len(searches.queries) * others)
    return SearchCalibration(
        scoring=scoring,
        searches=len(searches.queries),
        images_per_person=round(len(searches.entries) / held.people, 2),
        people=tuple(int(size) for size in sizes),
        thresholds=tuple(
            FalsePositives(
                threshold=float(thresholds[place]),
                rate=float(rates[place]),
                errors=int(errors[place]),
                **tally.rates(place),
            )
            for place in supported
        ),
    )


def _too_small(held: CalibrationSet, expected: str, got: str) -> FeaturesError:
    return FeaturesError(
        f"{held.name} is too small to calibrate searches on",
        expected=expected,
        got=got,
        cure="keep more people out of training: data.calibration_share",
    )


def _thresholds(held: CalibrationSet, searches: _Searches) -> tuple[Float64[np.ndarray, " t"], Int64[np.ndarray, " t"]]:
    """Thresholds for rates that the pairs can support, ascending, and how many pairs reach each."""
    histogram = ScoreHistogram()
    for _, scores in searches.blocks():
        histogram.add(scores, np.isneginf(scores))
    steps = np.arange(int(THRESHOLDS_A_DECADE * np.log10(max(histogram.total, 1))) + 1)
    places = np.unique([histogram.threshold(HIGHEST_RATE * 10 ** (-step / THRESHOLDS_A_DECADE)) for step in steps])
    errors = histogram.reaching()[places]
    supported = errors >= MIN_ERRORS
    if not supported.any():
        least = f"at least {MIN_ERRORS / HIGHEST_RATE:.0f} pairs of a search and another person"
        raise _too_small(held, least, str(histogram.total))
    return THRESHOLDS[places[supported]], errors[supported]


def _sizes(largest: int) -> Int64[np.ndarray, " s"]:
    """Numbers of people, in even steps of their logarithm, up to and including the largest."""
    steps = np.arange(int(SIZES_A_DECADE * np.log10(largest)) + 1)
    return np.unique([*np.round(10 ** (steps / SIZES_A_DECADE)).astype(np.int64), largest])


class _Tally:
    """Adds up, for each threshold and size, the chance that a search reaches somebody, and what each person changes.

    Args:
        owners: the person of each search.
        people: how many there are.
        thresholds: how many there are.
        sizes: of the galleries, at most `people` - 2.
    """

    def __init__(
        self, owners: Int64[np.ndarray, " q"], people: int, thresholds: int, sizes: Int64[np.ndarray, " s"]
    ) -> None:
        self.owners, self.people, self.sizes = owners, people, sizes
        self.searches = np.bincount(owners, minlength=people)
        others = people - 1
        self.found = _chance(others, sizes)
        # Without one of the others. When all of them reach the threshold, he is one of those who do.
        self.found_without = np.append(_chance(others - 1, sizes), np.ones((1, len(sizes))), axis=0)
        shape = (thresholds, people, len(sizes))
        self.as_stranger, self.without_others, self.as_entry = (np.zeros(shape) for _ in range(3))
        self.wrong_searches, self.wrongly_found = (np.zeros((thresholds, people), dtype=np.int64) for _ in range(2))

    def add(self, block: slice, scores: Float32[np.ndarray, "b people"], thresholds: Float64[np.ndarray, " t"]) -> None:
        """Take in the scores of all people for some of the searches."""
        shape = (len(scores), self.people)
        strangers = _marked(np.arange(len(scores)), self.owners[block], shape)
        rows, columns = np.nonzero(scores >= thresholds[0])
        best = scores[rows, columns]
        for place, threshold in enumerate(thresholds):
            kept = best >= threshold
            rows, columns, best = rows[kept], columns[kept], best[kept]
            counts = np.bincount(rows, minlength=len(scores))
            np.add.at(self.wrong_searches[place], self.owners[block], counts)
            self.wrongly_found[place] += np.bincount(columns, minlength=self.people)
            self.as_stranger[place] += strangers.T @ self.found[counts]
            self.without_others[place] += strangers.T @ self.found_without[counts]
            change = self.found_without[np.maximum(counts - 1, 0)] - self.found_without[counts]
            self.as_entry[place] += _marked(rows, columns, shape).T @ change

    def sources(self, place: int) -> int:
        """How many people the errors at one threshold are of: as strangers, or as entries, whichever are fewer."""
        return min(error_sources(self.wrong_searches[place]), error_sources(self.wrongly_found[place]))

    def rates(self, place: int) -> dict[str, tuple[float, ...]]:
        """FPIR and its interval at one threshold, for each size."""
        stranger, total = self.as_stranger[place], len(self.owners)
        rate = stranger.sum(axis=0) / total
        without_stranger = (stranger.sum(axis=0) - stranger) / (total - self.searches)[:, None]
        rest = self.without_others[place]
        without_entry = (rest.sum(axis=0) - rest + stranger + self.as_entry[place]) / total
        luck = 1 + (self.people - 1) / self.sizes
        variance = jackknife_variance(without_stranger) + luck * jackknife_variance(without_entry)
        bounds = [rate_interval(r, v, self.people) for r, v in zip(rate.tolist(), variance.tolist(), strict=True)]
        return {
            "fpir": _rounded(rate.tolist()),
            "low": _rounded([each.low for each in bounds]),
            "high": _rounded([each.high for each in bounds]),
        }


def _marked(
    rows: Int64[np.ndarray, " n"], columns: Int64[np.ndarray, " n"], shape: tuple[int, int]
) -> sparse.csr_array:
    """Ones at these places; rows ascending."""
    starts = np.searchsorted(rows, np.arange(shape[0] + 1))
    return sparse.csr_array((np.ones(len(rows)), columns, starts), shape=shape)


def _chance(people: int, sizes: Int64[np.ndarray, " s"]) -> Float64[np.ndarray, "counts s"]:
    """Chance that N drawn without replacement from M people hold one of k, for k = 0 to M (rows) and N (columns)."""
    others = people - np.arange(people + 1)[:, None]
    log = special.gammaln
    with np.errstate(invalid="ignore"):
        none = log(others + 1) - log(others - sizes + 1) - log(people + 1) + log(people - sizes + 1)
    chance: Float64[np.ndarray, "counts s"] = np.where(others < sizes, 1.0, -np.expm1(np.minimum(none, 0)))
    return chance


def _rounded(values: list[float]) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)
