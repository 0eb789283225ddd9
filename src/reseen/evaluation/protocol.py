"""The single-query protocol of Market-1501: features of query and gallery, and which pairs of them count.

For a query, three kinds of gallery images are left out: junk (dropped once, for all queries), images of the same
person by the same camera (too easy), and the query image itself; see `reseen.scores.matches`.

Source: Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reseen.errors import FeaturesError
from reseen.scores.labels import JUNK, UNKNOWN_CAMERA, Labels, check_same_images
from reseen.scores.matches import Matches, SamePerson, SkippedQueries
from reseen.scores.normalise import unit_rows
from reseen.shapes import Float, Float32, Int64, Integer


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
                "the gallery holds only junk",
                expected="at least one image that is not junk",
                got=f"{len(keep)} images of person {JUNK}",
                cure="check the person and split of the images",
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

    @classmethod
    def of_images(cls, features: Float[np.ndarray, "n d"], query: Labels, gallery: Labels) -> RetrievalSet:
        """The set that image ids tell: the feature of image `i` is row `i`.

        Raises:
            FeaturesError: as `of` does.
        """
        return cls.of(
            query_features=features[query.images],
            gallery_features=features[gallery.images],
            query_persons=query.persons,
            gallery_persons=gallery.persons,
            query_cameras=query.cameras,
            gallery_cameras=gallery.cameras,
            query_images=query.images,
            gallery_images=gallery.images,
        )

    @property
    def cameras_known(self) -> bool:
        """Whether any query and any gallery image have a camera; if not, only the query image itself is excluded."""
        return bool((self.query_cameras != UNKNOWN_CAMERA).any() and (self.gallery_cameras != UNKNOWN_CAMERA).any())

    def camera_name(self, code: int) -> str:
        """What a camera is called."""
        return self.camera_names[code] if self.camera_names else str(code)

    @property
    def valid_queries(self) -> Int64[np.ndarray, " valid"]:
        """Places of the queries that have at least one match left, ascending."""
        return self._matches.valid_queries

    @property
    def skipped(self) -> SkippedQueries:
        """The other queries, with the reasons."""
        return self._matches.skipped

    def same_person(self, queries: Int64[np.ndarray, " b"]) -> SamePerson:
        """All pairs of these queries (places in the query set) with gallery images of the same person."""
        return self._matches.same_person(queries)

    @cached_property
    def _matches(self) -> Matches:
        return Matches(
            Labels("query", self.query_persons, self.query_cameras, self.query_images),
            Labels("gallery", self.gallery_persons, self.gallery_cameras, self.gallery_images),
        )
