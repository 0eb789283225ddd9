"""The single-query protocol of Market-1501: which gallery images a query is ranked against, and which queries count.

For a query, three kinds of gallery images are left out: junk (dropped once, for all queries), images of the same
person by the same camera (too easy), and the query image itself. Distractors stay and match nobody. A query without
a match left is skipped, with a reason.

Source: Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reseen.errors import FeaturesError
from reseen.scores.blocks import row_blocks
from reseen.scores.labels import DISTRACTOR, JUNK, UNKNOWN_CAMERA, Labels, check_same_images
from reseen.scores.normalise import unit_rows
from reseen.shapes import Bool, Float, Float32, Int64, Integer


@dataclass(frozen=True, eq=False)
class SkippedQueries:
    """Queries that are not evaluated, by reason; the arrays hold places in the query set, ascending."""

    not_in_gallery: Int64[np.ndarray, " a"]
    own_camera_only: Int64[np.ndarray, " b"]
    not_a_person: Int64[np.ndarray, " c"]

    @property
    def counts(self) -> dict[str, int]:
        """How many queries were skipped for which reason, in words."""
        return {
            "person not in gallery": len(self.not_in_gallery),
            "only seen by the query's own camera": len(self.own_camera_only),
            "distractor or junk query": len(self.not_a_person),
        }

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
class RetrievalSet:
    """Query and gallery features with what the protocol must know of them; made by `RetrievalSet.of`.

    Attributes:
        query_features, gallery_features: unit-norm rows.
        query_persons, gallery_persons: -1 junk (never in the gallery), 0 distractor, > 0 a person.
        query_cameras, gallery_cameras: ≥ 0, or -1 when unknown.
        query_images, gallery_images: identity of each image, or None when no query is in the gallery.
        junk_dropped: how many junk images the gallery held.
        camera_names: what the camera codes stand for; empty when the codes are all that is known.
    """

    query_features: Float32[np.ndarray, "q d"]
    gallery_features: Float32[np.ndarray, "g d"]
    query_persons: Int64[np.ndarray, " q"]
    gallery_persons: Int64[np.ndarray, " g"]
    query_cameras: Int64[np.ndarray, " q"]
    gallery_cameras: Int64[np.ndarray, " g"]
    query_images: Int64[np.ndarray, " q"] | None
    gallery_images: Int64[np.ndarray, " g"] | None
    junk_dropped: int
    camera_names: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        query_features: Float[np.ndarray, "q d"],
        gallery_features: Float[np.ndarray, "g e"],
        query_persons: Integer[np.ndarray, " _"],
        gallery_persons: Integer[np.ndarray, " _"],
        query_cameras: Integer[np.ndarray, " _"] | None = None,
        gallery_cameras: Integer[np.ndarray, " _"] | None = None,
        query_images: Integer[np.ndarray, " _"] | None = None,
        gallery_images: Integer[np.ndarray, " _"] | None = None,
    ) -> RetrievalSet:
        """Check raw features, normalise them, and drop junk from the gallery.

        Features may be of any float type and any norm but zero; they are not changed. Persons: -1 junk, 0 distractor,
        > 0 a person. Cameras: ≥ 0, or -1 when unknown; None for all unknown. Image ids are for sets whose queries are
        in the gallery too, so that no query finds itself; an id names one image, thus one person and one camera.

        Raises:
            FeaturesError: an empty part, lengths or dimensions that disagree, a row that is not finite or all zero,
                a code below -1, an image id that stands for two images.
        """
        query = Labels.of("query", len(query_features), query_persons, query_cameras, query_images)
        gallery = Labels.of("gallery", len(gallery_features), gallery_persons, gallery_cameras, gallery_images)
        check_same_images(query, gallery)
        if query_features.shape[1] != gallery_features.shape[1]:
            raise FeaturesError(
                "query and gallery features differ in length",
                expected=f"{query_features.shape[1]} numbers a row, as in the query features",
                got=f"{gallery_features.shape[1]} in the gallery features",
                cure="extract both with the same model",
            )
        keep = gallery.persons != JUNK
        if not keep.any():
            raise FeaturesError(
                "the gallery holds nothing but junk",
                expected="at least one image that is not junk",
                got=f"{len(keep)} images of person {JUNK}",
                cure="check the persons and the splits",
            )
        kept = gallery.kept(keep)
        return cls(
            query_features=unit_rows(query_features, np.ones(len(query_features), dtype=bool), "query"),
            gallery_features=unit_rows(gallery_features, keep, "gallery"),
            query_persons=query.persons,
            gallery_persons=kept.persons,
            query_cameras=query.cameras,
            gallery_cameras=kept.cameras,
            query_images=query.images,
            gallery_images=kept.images,
            junk_dropped=int(np.count_nonzero(~keep)),
        )

    @property
    def cameras_known(self) -> bool:
        """Whether any query and any gallery image have a camera; if not, only the query image itself is excluded."""
        return bool((self.query_cameras != UNKNOWN_CAMERA).any() and (self.gallery_cameras != UNKNOWN_CAMERA).any())

    def camera_name(self, code: int) -> str:
        """What a camera is called."""
        return self.camera_names[code] if self.camera_names else str(code)

    @cached_property
    def valid_queries(self) -> Int64[np.ndarray, " valid"]:
        """Places of the queries that have at least one match left, ascending."""
        _, matches = self._pair_counts
        return np.flatnonzero(matches)

    @cached_property
    def skipped(self) -> SkippedQueries:
        """The other queries, with the reasons."""
        others, matches = self._pair_counts
        person = self.query_persons > DISTRACTOR
        return SkippedQueries(
            not_in_gallery=np.flatnonzero(person & (others == 0)),
            own_camera_only=np.flatnonzero(person & (others > 0) & (matches == 0)),
            not_a_person=np.flatnonzero(~person),
        )

    def same_person(self, queries: Int64[np.ndarray, " b"]) -> SamePerson:
        """All pairs of these queries (places in the query set) with gallery images of the same person."""
        order, persons = self._gallery_by_person
        wanted = self.query_persons[queries]
        first = np.searchsorted(persons, wanted, side="left")
        counts = np.where(wanted > DISTRACTOR, np.searchsorted(persons, wanted, side="right") - first, 0)
        rows = np.repeat(np.arange(len(queries)), counts)
        # Within a query's run, places count up from `first`; `order` is stable, so they stay in gallery order.
        runs = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts - first, counts)
        found = order[runs]
        asking = queries[rows]
        camera = self.query_cameras[asking]
        own_camera = (camera == self.gallery_cameras[found]) & (camera != UNKNOWN_CAMERA)
        own_image = np.zeros(len(rows), dtype=bool)
        if self.query_images is not None and self.gallery_images is not None:
            own_image = self.query_images[asking] == self.gallery_images[found]
        return SamePerson(rows, found, own_image, own_image | own_camera)

    @cached_property
    def _gallery_by_person(self) -> tuple[Int64[np.ndarray, " g"], Int64[np.ndarray, " g"]]:
        """Gallery places sorted by person, and the persons in that order."""
        order = np.argsort(self.gallery_persons, kind="stable")
        return order, self.gallery_persons[order]

    @cached_property
    def _pair_counts(self) -> tuple[Int64[np.ndarray, " q"], Int64[np.ndarray, " q"]]:
        """For each query: gallery images of the person other than the query image itself, and matches."""
        others, matches = [], []
        everyone = np.arange(len(self.query_persons))
        for block in row_blocks(len(everyone), len(self.gallery_persons)):
            pairs = self.same_person(everyone[block])
            height = block.stop - block.start
            others.append(np.bincount(pairs.queries[~pairs.own_image], minlength=height))
            matches.append(np.bincount(pairs.queries[~pairs.excluded], minlength=height))
        return np.concatenate(others), np.concatenate(matches)
