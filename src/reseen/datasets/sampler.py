"""P×K batches: P persons, K images of each; drawn exhaustively, or by chance."""

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
        f"{len(names)} people have fewer than {images_per_person} training images",
        expected=f"at least {images_per_person} images of each person",
        got=f"fewer for {', '.join(names[:5])}{more}",
        cure="-o sampler.short_persons=repeat (or drop), or a smaller sampler.images_per_person",
    )


class PKSampler:
    """Draws the batches of an epoch.

    Args:
        labels: the person of each image, as class labels.
        persons: P, different persons in a batch.
        images_per_person: K, images of each.
        short_persons: what to do with persons that have fewer than K images: `error` refuses them, `repeat` draws
            theirs with replacement, `drop` leaves them out.
        method: `exhaustive` visits every person until used up. By chance, with as many batches as the images fill:
            `id_avg_prob` with equal chances for every person, `sample_avg_prob` in proportion to their images.
        drop_last: by chance: whether a batch that the images fill only in part does not count.
        names: what to call the persons in errors, by label.

    Raises:
        DatasetError: persons are short and `short_persons` is `error`; fewer than P persons are left; or no batch.
    """

    def __init__(
        self,
        labels: Int64[np.ndarray, " n"],
        persons: int,
        images_per_person: int,
        short_persons: ShortPersons = "error",
        *,
        method: Literal["exhaustive", "id_avg_prob", "sample_avg_prob"] = "exhaustive",
        drop_last: bool = False,
        names: Sequence[str] | None = None,
    ) -> None:
        self.persons = persons
        self.images_per_person = images_per_person
        self.method = method
        self._pool = person_images(labels, images_per_person, short_persons, names)
        usable = len(self._pool.counts)
        if usable < persons:
            raise DatasetError(
                f"a batch needs {persons} different people",
                expected=f"at least {persons} people with {images_per_person} images",
                got=f"{usable} (of {len(np.unique(labels))} people in training)",
                cure=f"-o sampler.persons={usable}"
                if usable
                else "lower sampler.images_per_person, or set sampler.short_persons=repeat",
            )
        whole, rest = divmod(len(self._pool.images), persons * images_per_person)
        self._batches = whole + (rest > 0 and not drop_last)
        if method != "exhaustive" and not self._batches:
            raise DatasetError(
                "there are too few images for one batch",
                expected=f"at least {persons} × {images_per_person} images: sampler.drop_last drops smaller batches",
                got=f"{len(self._pool.images)} images",
                cure="-o sampler.drop_last=false",
            )

    def epoch(self, rng: np.random.Generator) -> Int64[np.ndarray, "batches pk"]:
        """All batches of one epoch, as places in `labels`: a row is P persons times K images, person by person."""
        if self.method == "exhaustive":
            return draw_exhaustively(self._pool, self.persons, self.images_per_person, rng)
        return draw_by_chance(
            self._pool, self.persons, self.images_per_person, rng, batches=self._batches, chances=self.method
        )


def draw_exhaustively(
    pool: PersonImages, persons: int, images_per_person: int, rng: np.random.Generator
) -> Int64[np.ndarray, "batches pk"]:
    """The batches of an epoch as Luo et al. (CVPRW 2019) train.

    Each person's images are shuffled and cut into groups of K; images that fill no group sit this epoch out, and a
    person with fewer than K has one group, drawn with replacement. While at least P persons have groups left, P of them
    are drawn and each gives one group. (Drawing K images of each person once an epoch, instead, costs about 3 points
    of mAP on Market-1501.)

    Args:
        pool: at least P persons.
        persons: P.
        images_per_person: K.
        rng: decides.
    """
    groups = np.maximum(pool.counts // images_per_person, 1)
    images = _shuffled_groups(pool, groups, images_per_person, rng)
    first = np.cumsum(groups) - groups
    left = groups.copy()
    available = np.flatnonzero(left)
    batches = []
    while len(available) >= persons:
        places = rng.choice(len(available), persons, replace=False)
        drawn = available[places]
        left[drawn] -= 1
        batches.append(first[drawn] + left[drawn])
        available = np.delete(available, places[left[drawn] == 0])
    return np.reshape(images[np.stack(batches)], (len(batches), -1))


def _shuffled_groups(
    pool: PersonImages, groups: Int64[np.ndarray, " persons"], images_per_person: int, rng: np.random.Generator
) -> Int64[np.ndarray, "groups k"]:
    """Every person's images in groups of K, person by person."""
    shuffled = np.lexsort((rng.random(len(pool.owners)), pool.owners))
    person = np.repeat(np.arange(len(groups)), groups)
    group = np.arange(len(person)) - np.repeat(np.cumsum(groups) - groups, groups)
    within = group[:, None] * images_per_person + np.arange(images_per_person)
    short = pool.counts[person] < images_per_person
    counts = pool.counts[person[short], None]
    within[short] = rng.integers(0, counts, (len(counts), images_per_person))
    groups_of_images: Int64[np.ndarray, "groups k"] = pool.images[shuffled[pool.starts[person, None] + within]]
    return groups_of_images


def draw_by_chance(
    pool: PersonImages,
    persons: int,
    images_per_person: int,
    rng: np.random.Generator,
    *,
    batches: int,
    chances: Literal["id_avg_prob", "sample_avg_prob"],
) -> Int64[np.ndarray, "batches pk"]:
    """Batches of P different persons with K different images of each, as PaddleClas's `PKSampler` draws them.

    The persons of a batch are drawn one after another from those that it does not have yet. A person with fewer than
    K images gives K of them with repetition.

    Args:
        pool: at least P persons.
        persons: P.
        images_per_person: K.
        rng: decides.
        batches: how many to draw.
        chances: `id_avg_prob`: every person has the same; `sample_avg_prob`: in proportion to their images.
    """
    weights = pool.counts / pool.counts.sum() if chances == "sample_avg_prob" else None
    drawn = [rng.choice(len(pool.counts), persons, replace=False, p=weights) for _ in range(batches)]
    person = np.concatenate(drawn)
    by_person = pool.images[np.argsort(pool.owners, kind="stable")]
    images = by_person[pool.starts[person, None] + _draw_images(pool.counts[person], images_per_person, rng)]
    return np.reshape(images, (batches, -1))


def _draw_images(
    counts: Int64[np.ndarray, " rows"], images_per_person: int, rng: np.random.Generator
) -> Int64[np.ndarray, "rows k"]:
    """K different numbers below each count, every choice of them equally likely; with repetition for counts below K.

    Robert Floyd's way (Bentley and Floyd, CACM 30(9), 1987), for all rows at once.
    """
    chosen = np.empty((len(counts), images_per_person), dtype=np.int64)
    for place in range(images_per_person):
        last = counts - images_per_person + place
        number = rng.integers(0, np.where(last < 0, counts, last + 1))
        taken = (chosen[:, :place] == number[:, None]).any(axis=1)
        chosen[:, place] = np.where(taken, last, number)
    short = counts < images_per_person
    chosen[short] = rng.integers(0, counts[short, None], (np.count_nonzero(short), images_per_person))
    return chosen
