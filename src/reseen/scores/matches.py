"""Which gallery images are a query's matches, which are left out, and which queries are skipped: the one rule.

For a query, the query image itself and images of the same person by the same camera are left out. Distractors match
nobody. A query without a match left is skipped, with a reason.

Source: Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from reseen.scores.blocks import row_blocks
from reseen.scores.labels import DISTRACTOR, UNKNOWN_CAMERA, Labels
from reseen.shapes import Bool, Int64


class SkipReason(StrEnum):
    """Why a query is not evaluated, in words."""

    NOT_IN_GALLERY = "person not in gallery"
    OWN_CAMERA_ONLY = "only seen by the query's own camera"
    NOT_A_PERSON = "distractor or junk query"


@dataclass(frozen=True, eq=False)
class SkippedQueries:
    """Queries that are not evaluated, by reason; the arrays hold places in the query set, ascending."""

    not_in_gallery: Int64[np.ndarray, " a"]
    own_camera_only: Int64[np.ndarray, " b"]
    not_a_person: Int64[np.ndarray, " c"]

    @property
    def by_reason(self) -> dict[SkipReason, Int64[np.ndarray, " _"]]:
        """The places, by the reason in words."""
        return {
            SkipReason.NOT_IN_GALLERY: self.not_in_gallery,
            SkipReason.OWN_CAMERA_ONLY: self.own_camera_only,
            SkipReason.NOT_A_PERSON: self.not_a_person,
        }

    @property
    def counts(self) -> dict[SkipReason, int]:
        """How many queries were skipped for which reason."""
        return {reason: len(places) for reason, places in self.by_reason.items()}

    def __str__(self) -> str:
        """How many for each reason, for people: `1 × person not in gallery`; empty when nothing is skipped."""
        return ", ".join(f"{count} × {reason}" for reason, count in self.counts.items() if count)

    def __len__(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, eq=False)
class SamePerson:
    """Pairs of a query and a gallery image of the same person, sorted by query, then by place in the gallery.

    Attributes:
        queries: place in the array of queries asked for.
        gallery: place in the gallery.
        own_image: the gallery image is the query image itself.
        excluded: the protocol takes the gallery image out of this query's ranking; if not, it is a match.
    """

    queries: Int64[np.ndarray, " pairs"]
    gallery: Int64[np.ndarray, " pairs"]
    own_image: Bool[np.ndarray, " pairs"]
    excluded: Bool[np.ndarray, " pairs"]


@dataclass(frozen=True, eq=False)
class Matches:
    """The rule, applied to a query and a gallery without junk."""

    query: Labels
    gallery: Labels

    @cached_property
    def valid_queries(self) -> Int64[np.ndarray, " valid"]:
        """Places of the queries that have at least one match left, ascending."""
        _, matches = self._pair_counts
        return np.flatnonzero(matches)

    @cached_property
    def skipped(self) -> SkippedQueries:
        """The other queries, with the reasons."""
        others, matches = self._pair_counts
        person = self.query.persons > DISTRACTOR
        return SkippedQueries(
            not_in_gallery=np.flatnonzero(person & (others == 0)),
            own_camera_only=np.flatnonzero(person & (others > 0) & (matches == 0)),
            not_a_person=np.flatnonzero(~person),
        )

    def same_person(self, queries: Int64[np.ndarray, " b"]) -> SamePerson:
        """All pairs of these queries (places in the query set) with gallery images of the same person."""
        order, persons = self._gallery_by_person
        wanted = self.query.persons[queries]
        first = np.searchsorted(persons, wanted, side="left")
        counts = np.where(wanted > DISTRACTOR, np.searchsorted(persons, wanted, side="right") - first, 0)
        rows = np.repeat(np.arange(len(queries)), counts)
        # Within a query's run, places count up from `first`; `order` is stable, so they stay in gallery order.
        runs = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts - first, counts)
        found = order[runs]
        asking = queries[rows]
        camera = self.query.cameras[asking]
        own_camera = (camera == self.gallery.cameras[found]) & (camera != UNKNOWN_CAMERA)
        own_image = np.zeros(len(rows), dtype=bool)
        if self.query.images is not None and self.gallery.images is not None:
            own_image = self.query.images[asking] == self.gallery.images[found]
        return SamePerson(rows, found, own_image, own_image | own_camera)

    @cached_property
    def _gallery_by_person(self) -> tuple[Int64[np.ndarray, " g"], Int64[np.ndarray, " g"]]:
        """Gallery places sorted by person, and the persons in that order."""
        order = np.argsort(self.gallery.persons, kind="stable")
        return order, self.gallery.persons[order]

    @cached_property
    def _pair_counts(self) -> tuple[Int64[np.ndarray, " q"], Int64[np.ndarray, " q"]]:
        """For each query: gallery images of the person other than the query image itself, and matches."""
        others, matches = [], []
        everyone = np.arange(len(self.query.persons))
        for block in row_blocks(len(everyone), max(1, len(self.gallery.persons))):
            pairs = self.same_person(everyone[block])
            height = block.stop - block.start
            others.append(np.bincount(pairs.queries[~pairs.own_image], minlength=height))
            matches.append(np.bincount(pairs.queries[~pairs.excluded], minlength=height))
        return np.concatenate(others), np.concatenate(matches)
