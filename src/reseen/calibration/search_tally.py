"""Counting how often strangers' searches reach somebody, in galleries of every size, and what each person changes.

The interval of a rate is where that of *one* gallery of N others is expected when many strangers search it. Its
variance is the jackknife's, leaving out one person at a time as stranger and as part of the gallery; the second part
grows by M / N for the gallery's own luck with its people.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse, special

from reseen.calibration.impostor_tail import (
    HIGHEST_TAIL_RATE,
    MIN_TAIL_ERRORS,
    MIN_TAIL_SOURCES,
    ImpostorTail,
    depths,
    fit_tail,
)
from reseen.calibration.proportion import error_sources, jackknife_variance, rate_interval
from reseen.shapes import Float32, Float64, Int64

DIGITS = 6


class Tally:
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
        self.depth_searched, self.depth_found = (np.zeros((thresholds, people)) for _ in range(2))

    def add(self, block: slice, scores: Float32[np.ndarray, "b people"], thresholds: Float64[np.ndarray, " t"]) -> None:
        """Take in the scores of all people for some of the searches."""
        shape = (len(scores), self.people)
        strangers = _marked(np.arange(len(scores)), self.owners[block], shape)
        rows, columns = np.nonzero(scores >= thresholds[0])
        best = scores[rows, columns]
        depth = depths(best)
        for place, threshold in enumerate(thresholds):
            kept = best >= threshold
            rows, columns, best, depth = rows[kept], columns[kept], best[kept], depth[kept]
            counts = np.bincount(rows, minlength=len(scores))
            np.add.at(self.wrong_searches[place], self.owners[block], counts)
            self.wrongly_found[place] += np.bincount(columns, minlength=self.people)
            self.depth_searched[place] += np.bincount(self.owners[block][rows], depth, minlength=self.people)
            self.depth_found[place] += np.bincount(columns, depth, minlength=self.people)
            self.as_stranger[place] += strangers.T @ self.found[counts]
            self.without_others[place] += strangers.T @ self.found_without[counts]
            change = self.found_without[np.maximum(counts - 1, 0)] - self.found_without[counts]
            self.as_entry[place] += _marked(rows, columns, shape).T @ change

    def sources(self, place: int) -> int:
        """How many people the errors at one threshold are of: as strangers, or as entries, whichever are fewer."""
        return min(error_sources(self.wrong_searches[place]), error_sources(self.wrongly_found[place]))

    def tail(self, thresholds: Float64[np.ndarray, " t"], draws: int) -> ImpostorTail | None:
        """The law of the scores beyond the highest threshold that enough errors, of enough people, reach.

        Args:
            thresholds: as `add` got them, ascending.
            draws: how often each search was made, among other images of the same people.
        """
        pairs = self.searches * (self.people - 1), np.full(self.people, len(self.owners)) - self.searches
        for place in range(len(thresholds) - 1, -1, -1):
            errors = self.wrong_searches[place], self.wrongly_found[place]
            count = int(errors[0].sum())
            if count < MIN_TAIL_ERRORS * draws or self.sources(place) < MIN_TAIL_SOURCES:
                continue
            if count > HIGHEST_TAIL_RATE * pairs[0].sum():
                break
            depth = self.depth_searched[place], self.depth_found[place]
            return fit_tail(float(thresholds[place]), pairs, errors, depth, draws)
        return None

    def variances(self, place: int) -> tuple[Float64[np.ndarray, " s"], Float64[np.ndarray, " s"]]:
        """FPIR at one threshold, and its variance, for each size."""
        stranger, total = self.as_stranger[place], len(self.owners)
        rate = stranger.sum(axis=0) / total
        without_stranger = (stranger.sum(axis=0) - stranger) / (total - self.searches)[:, None]
        rest = self.without_others[place]
        without_entry = (rest.sum(axis=0) - rest + stranger + self.as_entry[place]) / total
        luck = 1 + (self.people - 1) / self.sizes
        return rate, jackknife_variance(without_stranger) + luck * jackknife_variance(without_entry)

    def rates(self, place: int) -> dict[str, tuple[float, ...]]:
        """FPIR and its interval at one threshold, for each size."""
        rate, variance = self.variances(place)
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
