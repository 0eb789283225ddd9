"""Batches that visit every person until their images are used up."""

from __future__ import annotations

import numpy as np

from reseen.datasets.person_images import PersonImages
from reseen.shapes import Int64


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
