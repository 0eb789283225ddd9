"""Who is on each image, seen by which camera: the codes the protocol works with, checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reseen.errors import FeaturesError
from reseen.shapes import Bool, Int64, Integer

UNKNOWN_CAMERA = -1
"""Camera code of an image whose camera is not known."""
JUNK = -1
"""Person code of an image that shows nobody in particular."""
DISTRACTOR = 0
"""Person code of a gallery image that matches no query."""


@dataclass(frozen=True, eq=False)
class Labels:
    """Codes of the query images, or of the gallery images; made by `Labels.of`.

    Attributes:
        name: "query" or "gallery", for errors.
        persons: `JUNK`, `DISTRACTOR`, or > 0 for a person.
        cameras: ≥ 0, or `UNKNOWN_CAMERA`.
        images: identity of each image, or None.
    """

    name: str
    persons: Int64[np.ndarray, " n"]
    cameras: Int64[np.ndarray, " n"]
    images: Int64[np.ndarray, " n"] | None

    @classmethod
    def of(
        cls,
        name: str,
        count: int,
        persons: Integer[np.ndarray, " _"],
        cameras: Integer[np.ndarray, " _"] | None,
        images: Integer[np.ndarray, " _"] | None,
    ) -> Labels:
        """Check the codes of `count` images; cameras that are None are all unknown.

        Raises:
            FeaturesError: no image, a length other than `count`, a code below -1 or beyond 64 bits.
        """
        if count == 0:
            raise FeaturesError(
                f"the {name} is empty", expected="at least one image", got="none", cure="check the splits"
            )
        return cls(
            name=name,
            persons=_codes(f"{name} persons", count, persons),
            cameras=(
                np.full(count, UNKNOWN_CAMERA, dtype=np.int64)
                if cameras is None
                else _codes(f"{name} cameras", count, cameras)
            ),
            images=None if images is None else _codes(f"{name} images", count, images),
        )

    def kept(self, keep: Bool[np.ndarray, " n"]) -> Labels:
        """Only the images marked in `keep`."""
        images = None if self.images is None else self.images[keep]
        return Labels(self.name, self.persons[keep], self.cameras[keep], images)


def check_same_images(query: Labels, gallery: Labels) -> None:
    """Check that an image id stands for one image: once in each part, with one person and one camera.

    Raises:
        FeaturesError: it does not, or only one part has ids.
    """
    if query.images is None and gallery.images is None:
        return
    if query.images is None or gallery.images is None:
        given = "gallery" if query.images is None else "query"
        raise FeaturesError(
            "image ids are given for one part only",
            expected="ids for query and gallery, or for none",
            got=f"ids for the {given} alone",
            cure="give the ids of the other part too, or leave them out",
        )
    for part, images in ((query, query.images), (gallery, gallery.images)):
        ids, counts = np.unique(images, return_counts=True)
        if counts.max() > 1:
            raise FeaturesError(
                f"the {part.name} holds image id {ids[counts.argmax()]} more than once",
                expected="each image once per part",
                got=f"{counts.max()} times",
                cure="give each image an id of its own, and list it once",
            )
    shared, in_query, in_gallery = np.intersect1d(query.images, gallery.images, return_indices=True)
    differs = query.persons[in_query] != gallery.persons[in_gallery]
    differs |= query.cameras[in_query] != gallery.cameras[in_gallery]
    if differs.any():
        place = differs.argmax()
        in_both = ((query, in_query[place]), (gallery, in_gallery[place]))
        raise FeaturesError(
            f"image id {shared[place]} has two people or two cameras",
            expected="the same person and camera for it in query and gallery",
            got=", ".join(
                f"person {part.persons[row]} by camera {part.cameras[row]} in {part.name}" for part, row in in_both
            ),
            cure="correct the person or the camera, or give different images different ids",
        )


def _codes(name: str, count: int, codes: Integer[np.ndarray, " _"]) -> Int64[np.ndarray, " n"]:
    if len(codes) != count:
        raise FeaturesError(
            f"wrong number of {name}",
            expected=f"{count}, one for each feature",
            got=str(len(codes)),
            cure="give features and codes of the same images",
        )
    unusable = np.flatnonzero((codes < -1) | (codes > np.iinfo(np.int64).max))
    if unusable.size:
        row = int(unusable[0])
        raise FeaturesError(
            f"unusable code among the {name}: row {row} (counted from 0)",
            expected="-1 or more, in 64 bits",
            got=str(codes[row]),
            cure="number them from 0, with -1 for unknown or junk",
        )
    return codes.astype(np.int64)
