"""P×K batches: P persons, K images of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from reseen.datasets.chance_draw import draw_by_chance
from reseen.datasets.exhaustive_draw import draw_exhaustively
from reseen.datasets.person_images import ShortPersons, person_images
from reseen.errors import DatasetError
from reseen.shapes import Int64


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
                f"a batch of {persons} different persons cannot be drawn",
                expected=f"at least {persons} persons with {images_per_person} images",
                got=f"{usable} (of {len(np.unique(labels))} persons in training)",
                cure=f"-o sampler.persons={usable}" if usable else "use fewer images_per_person, or repeat",
            )
        whole, rest = divmod(len(self._pool.images), persons * images_per_person)
        self._batches = whole + (rest > 0 and not drop_last)
        if method != "exhaustive" and not self._batches:
            raise DatasetError(
                "an epoch has no batch",
                expected=f"at least {persons} × {images_per_person} images, for drop_last leaves out what is less",
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
