"""`PersonImages`: whose images can be drawn for training, and which images those are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reseen.errors import DatasetError
from reseen.shapes import Int64

ShortPersons = Literal["error", "repeat", "drop"]


@dataclass(frozen=True)
class PersonImages:
    """The images of the persons to draw.

    Attributes:
        images: places of the images in the training set, ascending.
        owners: the person of each image, 0 to persons - 1.
        counts: how many images each person has.
    """

    images: Int64[np.ndarray, " n"]
    owners: Int64[np.ndarray, " n"]
    counts: Int64[np.ndarray, " persons"]

    @property
    def starts(self) -> Int64[np.ndarray, " persons"]:
        """Where each person's images start when they are sorted by person."""
        starts: Int64[np.ndarray, " persons"] = np.cumsum(self.counts) - self.counts
        return starts


def person_images(
    labels: Int64[np.ndarray, " n"],
    images_per_person: int,
    short_persons: ShortPersons,
    names: Sequence[str] | None = None,
) -> PersonImages:
    """Find the images of each person.

    Args:
        labels: the person of each image, as class labels.
        images_per_person: how many are drawn at a time.
        short_persons: what to do with persons that have fewer: `error` refuses them, `repeat` keeps them, `drop`
            leaves them out.
        names: what to call the persons in errors, by label.

    Raises:
        DatasetError: persons are short, and `short_persons` is `error`.
    """
    present, owners, counts = np.unique(labels, return_inverse=True, return_counts=True)
    short = counts < images_per_person
    if short_persons == "error" and short.any():
        _refuse_short([names[p] if names else str(p) for p in present[short]], images_per_person)
    if short_persons != "drop":
        return PersonImages(np.arange(len(labels)), owners, counts)
    images = np.flatnonzero(~short[owners])
    renumbered = np.cumsum(~short) - 1
    return PersonImages(images, renumbered[owners[images]], counts[~short])


def _refuse_short(names: list[str], images_per_person: int) -> None:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    raise DatasetError(
        f"{len(names)} persons have fewer than {images_per_person} images for training",
        expected=f"at least {images_per_person} images of each person",
        got=f"fewer for {', '.join(names[:5])}{more}",
        cure="-o sampler.short_persons=repeat (or drop), or a smaller sampler.images_per_person",
    )
