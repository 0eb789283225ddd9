"""The one table that every dataset reader produces: `Manifest`, a tuple of `Sample`s."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from reseen.shapes import Int64

Split = Literal["train", "query", "gallery"]
SPLITS: tuple[Split, ...] = get_args(Split)

JUNK_NAME = "-1"
"""Person of a detection that shows nobody in particular; dropped from every gallery (Market-1501's convention)."""
DISTRACTOR_NAME = "0000"
"""Person of a gallery image that matches no query; kept, and never a match (Market-1501's convention)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of one person.

    Examples:
        >>> import pathlib, reseen
        >>> reseen.Sample(pathlib.Path("a.jpg"), person="anna", camera="hall").split is None
        True

    Attributes:
        path: the image file.
        person: identity as written in the dataset; `JUNK_NAME` and `DISTRACTOR_NAME` are special.
        camera: camera as written in the dataset, or None when it is not known.
        split: the part of the protocol the image belongs to, or None when the dataset names no parts.
        time: when the image was taken, as written in the dataset, or None.
    """

    path: Path
    person: str
    camera: str | None = None
    split: Split | None = None
    time: str | None = None


@dataclass(frozen=True, repr=False)
class Manifest:
    """All images of a dataset, in a fixed order.

    Examples:
        >>> import pathlib, reseen
        >>> root = pathlib.Path("crops")
        >>> samples = tuple(reseen.Sample(root / f"{place}.jpg", "anna", split="query") for place in range(3))
        >>> reseen.Manifest("ours", root, samples)
        <Manifest ours: 3 images of 1 person>

    Attributes:
        name: what to call the dataset in logs.
        root: the folder or file it was read from.
        samples: its images; junk included, so that it can be counted.
        passed_over: files that lie among the images and are of no kind that is read.
        merged: the datasets whose images they are, where there are several.
    """

    name: str
    root: Path
    samples: tuple[Sample, ...]
    passed_over: tuple[Path, ...] = ()
    merged: tuple[Manifest, ...] = ()

    def __repr__(self) -> str:
        people = len({sample.person for sample in self.samples} - {JUNK_NAME, DISTRACTOR_NAME})
        images = len(self.samples)
        return (
            f"<Manifest {self.name}: {images:,} image{'' if images == 1 else 's'} of {people:,} "
            f"{'person' if people == 1 else 'people'}>"
        )

    def split(self, split: Split) -> tuple[Sample, ...]:
        """Images of one part, without junk. A dataset that names no parts gives all its images for every part."""
        return tuple(s for s in self.samples if s.split in (split, None) and s.person != JUNK_NAME)

    @cached_property
    def junk(self) -> tuple[Sample, ...]:
        """Images dropped because they show nobody in particular."""
        return tuple(s for s in self.samples if s.person == JUNK_NAME)

    @cached_property
    def has_splits(self) -> bool:
        """Whether the dataset itself says which images are for training, query and gallery."""
        return any(s.split is not None for s in self.samples)


def person_labels(samples: tuple[Sample, ...]) -> tuple[Int64[np.ndarray, " n"], tuple[str, ...]]:
    """Class labels 0..C-1 for training, and the C persons they stand for, in sorted order."""
    persons, labels = np.unique([s.person for s in samples], return_inverse=True)
    return labels.astype(np.int64), tuple(str(p) for p in persons)
