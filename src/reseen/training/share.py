"""What each of several processes takes of a batch."""

from __future__ import annotations

from math import ceil

import numpy as np

from reseen.errors import UsageError
from reseen.shapes import Int64


def share(persons: int, images_per_person: int, rank: int, count: int) -> Int64[np.ndarray, " b"]:
    """Places within a P×K batch, person by person, that one process learns from.

    Each takes the same number of persons, one after another, with all their images; none is taken twice or left over.

    Args:
        persons: P.
        images_per_person: K.
        rank: the process, 0 to count - 1.
        count: how many processes there are.

    Raises:
        UsageError: the persons cannot be shared equally, or a process would be left with a single image.
    """
    fewest = count * ceil(2 / images_per_person)
    if persons % count or persons < fewest:
        nearest = max(fewest, round(persons / count) * count)
        raise UsageError(
            f"a batch of {persons} persons × {images_per_person} images cannot be shared by {count} processes",
            expected=f"a multiple of {count} persons, {fewest} or more: each process needs at least 2 images",
            got=f"sampler.persons={persons}",
            cure=f"-o sampler.persons={nearest}, or start another number of processes",
        )
    images = persons // count * images_per_person
    return np.arange(rank * images, (rank + 1) * images)
