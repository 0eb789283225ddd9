from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from reseen.datasets.exhaustive_draw import draw_exhaustively
from reseen.datasets.person_images import ShortPersons, person_images

image_counts = st.lists(st.integers(1, 13), min_size=1, max_size=12)
seeds = st.integers(0, 2**32)


def labels_of(counts: list[int], seed: int) -> np.ndarray:
    """Labels of persons 0, 1, … with so many images each, in random order."""
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)


@given(image_counts, st.integers(1, 5), st.integers(1, 5), st.sampled_from(["drop", "repeat"]), seeds)
def test_batches_are_p_persons_of_k_images_until_too_few_are_left(
    counts: list[int], persons: int, images_per_person: int, short_persons: ShortPersons, seed: int
) -> None:
    labels = labels_of(counts, seed)
    groups = {person: count // images_per_person for person, count in enumerate(counts)}
    if short_persons == "repeat":
        groups = {person: max(1, left) for person, left in groups.items()}
    assume(sum(left > 0 for left in groups.values()) >= persons)

    pool = person_images(labels, images_per_person, short_persons)
    epoch = draw_exhaustively(pool, persons, images_per_person, np.random.default_rng(seed))

    drawn = labels[epoch].reshape(len(epoch), persons, images_per_person)
    assert (drawn == drawn[..., :1]).all()
    assert all(len(set(batch)) == persons for batch in drawn[..., 0])
    for person in drawn[..., 0].ravel():
        groups[person] -= 1
    assert min(groups.values()) >= 0
    assert sum(left > 0 for left in groups.values()) < persons
    times = Counter(epoch.ravel().tolist())
    assert all(count == 1 or counts[labels[image]] < images_per_person for image, count in times.items())


def test_every_image_and_every_pair_of_persons_is_equally_likely() -> None:
    labels = labels_of([5, 5, 5, 5], 0)
    pool = person_images(labels, 4, "error")
    rng = np.random.default_rng(0)

    epochs = np.concatenate([draw_exhaustively(pool, 2, 4, rng) for _ in range(1000)])

    times = np.bincount(epochs.ravel(), minlength=len(labels))
    assert times.sum() == 2 * 1000 * 8
    assert times.min() > 740  # 800 expected, standard deviation 12.6
    assert times.max() < 860
    together = Counter(tuple(sorted(row)) for row in labels[epochs[::2, ::4]].tolist())
    assert len(together) == 6
    assert min(together.values()) > 120  # 167 expected, standard deviation 11.8


def test_a_short_person_repeats_only_their_own_images() -> None:
    labels = np.array([0, 1, 1, 1, 1, 0], dtype=np.int64)
    (batch,) = draw_exhaustively(person_images(labels, 4, "repeat"), 2, 4, np.random.default_rng(0))
    assert sorted(batch[labels[batch] == 1]) == [1, 2, 3, 4]
    assert set(batch[labels[batch] == 0]) <= {0, 5}
