"""Ranks of the true matches, and what follows from them for each query; nothing is fully sorted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reseen.errors import FeaturesError
from reseen.scores.matches import SamePerson
from reseen.shapes import Float32, Float64, Int64

MANY_TIES = 60
"""With more scores that a match shares with others, sorting the places too is faster than looking each of them up."""


@dataclass(frozen=True, eq=False)
class MatchRanks:
    """Ranks of the matches of some queries, counted from 1 without the excluded gallery images.

    Attributes:
        matches: number of matches of each query.
        ranks: the ranks of all of them, query by query, ascending.
    """

    matches: Int64[np.ndarray, " q"]
    ranks: Int64[np.ndarray, " matches"]

    @classmethod
    def joined(cls, parts: Sequence[MatchRanks]) -> MatchRanks:
        """Those of several groups of queries, in this order."""
        return cls(np.concatenate([part.matches for part in parts]), np.concatenate([part.ranks for part in parts]))

    @cached_property
    def owners(self) -> Int64[np.ndarray, " matches"]:
        """The query of each rank."""
        return np.repeat(np.arange(len(self.matches)), self.matches)

    def within(self, k: int) -> Int64[np.ndarray, " q"]:
        """How many matches of each query are at rank `k` or better."""
        return np.bincount(self.owners[self.ranks <= k], minlength=len(self.matches))

    @cached_property
    def average_precision(self) -> Float64[np.ndarray, " q"]:
        """Mean of the precisions at the ranks of the matches (not trapezoidal); every query has a match."""
        ends = np.cumsum(self.matches)
        nth_match = np.arange(1, len(self.ranks) + 1) - (ends - self.matches)[self.owners]
        sums: Float64[np.ndarray, " q"] = np.add.reduceat(nth_match / self.ranks, ends - self.matches)
        mean: Float64[np.ndarray, " q"] = sums / self.matches
        return mean

    @cached_property
    def first_rank(self) -> Int64[np.ndarray, " q"]:
        """Rank of the first match; every query has one."""
        first: Int64[np.ndarray, " q"] = self.ranks[np.cumsum(self.matches) - self.matches]
        return first

    @cached_property
    def last_rank(self) -> Int64[np.ndarray, " q"]:
        """Rank of the last match; every query has one."""
        last: Int64[np.ndarray, " q"] = self.ranks[np.cumsum(self.matches) - 1]
        return last

    @property
    def inverse_negative_penalty(self) -> Float64[np.ndarray, " q"]:
        """Matches divided by the rank of the last one: 1 when no wrong image comes before any match."""
        penalty: Float64[np.ndarray, " q"] = self.matches / self.last_rank
        return penalty


def rank_matches(scores: Float32[np.ndarray, "q g"], pairs: SamePerson) -> MatchRanks:
    """Rank the matches among `pairs` by descending scores, equal ones by place.

    Args:
        scores: a row for each query, a column for each gallery image; those of excluded pairs are overwritten.
        pairs: all pairs of the same person.

    Raises:
        FeaturesError: a score is not finite.
    """
    _check_finite(scores)
    scores[pairs.queries[pairs.excluded], pairs.gallery[pairs.excluded]] = -np.inf
    match = ~pairs.excluded
    counts = np.bincount(pairs.queries[match], minlength=len(scores))
    per_query = np.split(pairs.gallery[match], np.cumsum(counts)[:-1])
    ranks = [_ranks(row, places) for row, places in zip(scores, per_query, strict=True) if len(places)]
    return MatchRanks(counts, np.concatenate(ranks) if ranks else np.empty(0, dtype=np.int64))


def _check_finite(scores: Float32[np.ndarray, "q g"]) -> None:
    # What is not finite spreads into the sum of its row; only then is it worth looking for.
    with np.errstate(over="ignore", invalid="ignore"):
        suspects = np.flatnonzero(~np.isfinite(scores.sum(axis=1)))
    for row in scores[suspects]:
        if not np.isfinite(row).all():
            raise FeaturesError(
                "a score is not finite",
                expected="finite numbers",
                got=str(row[~np.isfinite(row)][0]),
                cure="extract the features again",
            )


def _ranks(row: Float32[np.ndarray, " g"], matches: Int64[np.ndarray, " m"]) -> Int64[np.ndarray, " m"]:
    """Ranks from 1, ascending, of the gallery images `matches` (ascending) of one query.

    Example: `row` is .9 .2 .7 .7 .5, the matches are images 3 and 4, thus `wanted` is .7 .5. Rivals score at least .5;
    sorted they are .5 .7 .7 .9. The runs of .7 and .5 end at 3 and 1, so 4 - 3 + 1 = 2 and 4 - 1 + 1 = 4 are the ranks
    if each match were the first of those that score as high. .5 is alone; .7 is not, for the rival before the last of
    its run has .7 too. Of the images with .7, which are 2 and 3, one stands before image 3: its rank is 2 + 1 = 3.
    """
    wanted = row[matches]
    # Only what scores as high as the weakest match can change a rank: as a rule a small part of the row. Picking out
    # more than half costs more than sorting all (measured; picking by place is faster than by mask).
    rival = row >= wanted.min()
    rivals = row[rival.nonzero()[0]] if np.count_nonzero(rival) < row.size // 2 else row.copy()
    rivals.sort()
    ends = rivals.searchsorted(wanted, side="right")
    ranks: Int64[np.ndarray, " m"] = rivals.size - ends + 1
    # A match ends the run of those that score as high. The last of all stands for what is before the first: then the
    # score is counted among tied ones, which changes nothing.
    tied = rivals[ends - 2] == wanted
    if tied.any():
        scores = np.unique(wanted[tied])
        if len(scores) > MANY_TIES:
            return np.sort(_ranks_of_all(row)[matches])
        for score in scores:
            here = wanted == score
            ranks[here] += np.searchsorted(np.flatnonzero(row == score), matches[here])
    ranks.sort()
    return ranks


def _ranks_of_all(row: Float32[np.ndarray, " g"]) -> Int64[np.ndarray, " g"]:
    """The rank of every gallery image."""
    ranks = np.empty(len(row), dtype=np.int64)
    ranks[np.argsort(-row, kind="stable")] = np.arange(1, len(row) + 1)
    return ranks
