"""Searching a gallery for a stranger: how often somebody is named all the same.

Every held-out person is a stranger to the gallery of all the others. From how many of them a search reaches a
threshold with, follows what a smaller gallery would do: of M people, k of whom reach it, a gallery of N drawn without
replacement holds none of the k with probability C(M − k, N) / C(M, N). The mean of the rest over the searches is the
false-positive identification rate (FPIR) of galleries of N people, without assuming that people are alike or
independent. No threshold is measured that fewer than `MIN_ERRORS` people reach, or where the errors are of fewer than
`MIN_SOURCES` strangers or people: nothing rests on one stranger who looks like everybody. Beyond what is measured, and
in galleries of more than M − 1 people, the tail of the scores is extrapolated (see `impostor_tail`).

All of it twice: for galleries that hold every person with all images, and for folders, each image of which may be of
another person. By the best of many images a person is taken for others more often than by one: a folder of 300 images
is no gallery of 300 such people.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.proportion import MIN_SOURCES
from reseen.calibration.search_rates import FalsePositives, SearchRates
from reseen.calibration.search_tally import Tally
from reseen.calibration.strangers import DRAWS, ScoringRule, Searches
from reseen.errors import FeaturesError
from reseen.scores.blocks import RowsDone
from reseen.scores.histogram import THRESHOLDS, ScoreHistogram
from reseen.scores.interval import MIN_ERRORS
from reseen.shapes import Float64, Int64
from reseen.strict import Count

HIGHEST_RATE = 0.1
THRESHOLDS_A_DECADE = 8
SIZES_A_DECADE = 10


class SearchCalibration(SearchRates):
    """What the best score of a search says: in galleries of so many people, with all of their images.

    Attributes:
        scoring: how a query and a person are compared. Images by the query's own camera count too.
        searches: how many there were: one for each person and camera.
        one_image: in galleries of one image a person; None where too few people were calibrated on, and in files of
            format 1.
    """

    scoring: ScoringRule
    searches: Count
    one_image: SearchRates | None = None


def calibrate_search(
    held: CalibrationSet, scoring: ScoringRule = "best_image", done: RowsDone | None = None
) -> SearchCalibration:
    """Search for every held-out person among all the others.

    Args:
        held: the people.
        scoring: how a search compares a query and a person.
        done: told how many searches are done, and how many there are: each is made several times.

    Raises:
        FeaturesError: too few pairs or people for any threshold, or a person's mean feature has no length.
    """
    progress = _Passes(done, 2 + 2 * DRAWS)
    whole = Searches.of(held, scoring)
    found = _measure([whole], len(whole.entries) / held.people, progress)
    if found is None:
        raise FeaturesError(
            f"{held.name} is too small to calibrate searches on",
            expected=f"{MIN_ERRORS} false matches, of at least {MIN_SOURCES} strangers and of as many people",
            got=f"{held.people} people",
            cure="keep more people out of training: data.calibration_share",
        )
    one_image: SearchRates | None = found
    if len(held.features) > held.people:
        one_image = _measure([Searches.of_one_image(held, draw) for draw in range(DRAWS)], 1.0, progress)
    progress.finish(len(whole.queries))
    return SearchCalibration(scoring=scoring, searches=len(whole.queries), one_image=one_image, **dict(found))


class _Passes:
    """Adds up how far several passes over the searches have come."""

    def __init__(self, done: RowsDone | None, passes: int) -> None:
        self._done, self._passes, self._before = done, passes, 0

    def __call__(self, searched: int, total: int) -> None:
        if self._done is not None:
            self._done(self._before + searched, self._passes * total)
        if searched == total:
            self._before += total

    def finish(self, total: int) -> None:
        """Tell that all is done, where a pass was not needed."""
        if self._done is not None and self._before < self._passes * total:
            self._done(self._passes * total, self._passes * total)


def _measure(draws: Sequence[Searches], images_per_person: float, done: RowsDone) -> SearchRates | None:
    """Rates over some galleries of the same people, searched by the same strangers; None where nothing can be told."""
    thresholds, errors = _thresholds(draws, done)
    if not len(thresholds):
        return None
    first = draws[0]
    sizes = _sizes(first.people - 2)
    tally = Tally(np.tile(first.owners, len(draws)), first.people, len(thresholds), sizes)
    for number, searches in enumerate(draws):
        for block, scores in searches.blocks(done):
            before = number * len(first.queries)
            tally.add(slice(before + block.start, before + block.stop), scores, thresholds)
    supported = [place for place in range(len(thresholds)) if tally.sources(place) >= MIN_SOURCES]
    if not supported:
        return None
    rates = errors / (len(tally.owners) * (first.people - 1))
    return SearchRates(
        images_per_person=round(images_per_person, 2),
        people=tuple(int(size) for size in sizes),
        thresholds=tuple(
            FalsePositives(
                threshold=float(thresholds[place]),
                rate=float(rates[place]),
                errors=int(errors[place]) // len(draws),
                **tally.rates(place),
            )
            for place in supported
        ),
        tail=tally.tail(thresholds, len(draws)),
    )


def _thresholds(draws: Sequence[Searches], done: RowsDone) -> tuple[Float64[np.ndarray, " t"], Int64[np.ndarray, " t"]]:
    """Thresholds for rates that the pairs can support, ascending, and how many pairs reach each."""
    histogram = ScoreHistogram()
    for searches in draws:
        for _, scores in searches.blocks(done):
            histogram.add(scores, np.isneginf(scores))
    steps = np.arange(int(THRESHOLDS_A_DECADE * np.log10(max(histogram.total, 1))) + 1)
    places = np.unique([histogram.threshold(HIGHEST_RATE * 10 ** (-step / THRESHOLDS_A_DECADE)) for step in steps])
    errors = histogram.reaching()[places]
    # Other images of the same two people are no further errors: every draw counts for its part.
    supported = errors >= MIN_ERRORS * len(draws)
    return THRESHOLDS[places[supported]], errors[supported]


def _sizes(largest: int) -> Int64[np.ndarray, " s"]:
    """Numbers of people, in even steps of their logarithm, up to and including the largest."""
    steps = np.arange(int(SIZES_A_DECADE * np.log10(largest)) + 1)
    return np.unique([*np.round(10 ** (steps / SIZES_A_DECADE)).astype(np.int64), largest])
