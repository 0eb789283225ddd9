"""Searching a gallery for a stranger: how often somebody is named all the same.

Every held-out person is a stranger to the gallery of all the others. From how many of them a search reaches a
threshold with, follows what a smaller gallery would do: of M people, k of whom reach it, a gallery of N drawn without
replacement holds none of the k with probability C(M − k, N) / C(M, N). The mean of the rest over the searches is the
false-positive identification rate (FPIR) of galleries of N people, without assuming that people are alike or
independent. Galleries of more than M − 1 people are not told, and neither are thresholds that fewer than `MIN_ERRORS`
people reach, or where the errors are of fewer than `MIN_SOURCES` strangers or people: nothing is extrapolated, and
nothing rests on one stranger who looks like everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.operating_point import OUTSIDE, Cosine, ascends
from reseen.calibration.proportion import MIN_SOURCES
from reseen.calibration.search_tally import Tally
from reseen.errors import FeaturesError
from reseen.scores.blocks import RowsDone, row_blocks
from reseen.scores.histogram import THRESHOLDS, ScoreHistogram
from reseen.scores.interval import MIN_ERRORS
from reseen.scores.normalise import unit_rows
from reseen.shapes import Float32, Float64, Int64
from reseen.strict import Count, Rate, Strict

ScoringRule = Literal["best_image", "mean_feature"]
"""How alike a query and a person are: as the person's most similar image, or as the mean of the person's features."""

HIGHEST_RATE = 0.1
THRESHOLDS_A_DECADE = 8
SIZES_A_DECADE = 10


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

    threshold: Cosine
    rate: Rate
    errors: Count
    fpir: tuple[Rate, ...]
    low: tuple[Rate, ...]
    high: tuple[Rate, ...]

    @model_validator(mode="after")
    def _rates_within_their_intervals(self) -> FalsePositives:
        if not len(self.low) == len(self.fpir) == len(self.high):
            raise ValueError("rates without intervals, or intervals without rates")
        if not all(low <= rate <= high for low, rate, high in zip(self.low, self.fpir, self.high, strict=True)):
            raise ValueError(OUTSIDE)
        if not ascends(self.fpir, strictly=False):
            raise ValueError("rates that fall as the gallery grows")
        if self.errors < MIN_ERRORS:
            raise ValueError(f"{self.errors} errors support no threshold")
        return self


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
    images_per_person: Annotated[float, Field(ge=1)]
    people: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    thresholds: Annotated[tuple[FalsePositives, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> SearchCalibration:
        if not ascends(self.people):
            raise ValueError("people that do not ascend")
        if any(len(each.fpir) != len(self.people) for each in self.thresholds):
            raise ValueError("a rate for each number of people is not there")
        if not ascends([each.threshold for each in self.thresholds]):
            raise ValueError("thresholds that do not ascend")
        for place in range(len(self.people)):
            if not ascends([-each.fpir[place] for each in self.thresholds], strictly=False):
                raise ValueError("rates that rise with the threshold")
        return self

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

    def blocks(self, done: RowsDone | None, before: int = 0) -> Iterator[tuple[slice, Float32[np.ndarray, "_ people"]]]:
        """Scores of every person for some of the searches; the stranger's own is minus infinity."""
        for block in row_blocks(len(self.queries), len(self.entries)):
            everything = self.queries[block] @ self.entries.T
            scores = everything[:, : self.layers[0].stop]
            for layer in self.layers[1:]:
                best = scores[:, : layer.stop - layer.start]
                np.maximum(best, everything[:, layer], out=best)
            scores[np.arange(len(scores)), self.owners[block]] = -np.inf
            yield block, scores
            if done is not None:
                done(before + block.stop, 2 * len(self.queries))


def calibrate_search(
    held: CalibrationSet, scoring: ScoringRule = "best_image", done: RowsDone | None = None
) -> SearchCalibration:
    """Search for every held-out person among all the others.

    Args:
        held: the people.
        scoring: how a search compares a query and a person.
        done: told how many searches are done, of twice as many: each is made twice.

    Raises:
        FeaturesError: too few pairs or people for any threshold, or a person's mean feature has no direction.
    """
    searches = _Searches.of(held, scoring)
    thresholds, errors = _thresholds(held, searches, done)
    others = held.people - 1
    sizes = _sizes(others - 1)
    tally = Tally(searches.owners, held.people, len(thresholds), sizes)
    for block, scores in searches.blocks(done, len(searches.queries)):
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


def _thresholds(
    held: CalibrationSet, searches: _Searches, done: RowsDone | None
) -> tuple[Float64[np.ndarray, " t"], Int64[np.ndarray, " t"]]:
    """Thresholds for rates that the pairs can support, ascending, and how many pairs reach each."""
    histogram = ScoreHistogram()
    for _, scores in searches.blocks(done):
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
