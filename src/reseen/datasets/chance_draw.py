"""Batches that are drawn by chance, each without regard to the others."""

from __future__ import annotations

from typing import Literal

import numpy as np

from reseen.datasets.person_images import PersonImages
from reseen.shapes import Int64


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
