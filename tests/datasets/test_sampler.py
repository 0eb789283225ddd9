from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.manifest import person_labels
from reseen.datasets.market1501 import read_market1501
from reseen.datasets.sampler import PKSampler
from reseen.errors import DatasetError

image_counts = st.lists(st.integers(1, 13), min_size=1, max_size=12)
seeds = st.integers(0, 2**32)


def labels_of(counts: list[int], seed: int) -> np.ndarray:
    """Labels of persons 0, 1, … with so many images each, in random order."""
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)


@given(image_counts, st.integers(1, 5), st.integers(1, 5), st.sampled_from(["drop", "repeat"]), seeds)
def test_batches_are_p_persons_of_k_images_until_too_few_are_left(
    counts: list[int], persons: int, images_per_person: int, short_persons: str, seed: int
) -> None:
    labels = labels_of(counts, seed)
    groups = {person: count // images_per_person for person, count in enumerate(counts)}
    if short_persons == "repeat":
        groups = {person: max(1, left) for person, left in groups.items()}
    if sum(left > 0 for left in groups.values()) < persons:
        with pytest.raises(DatasetError, match="cannot be drawn"):
            PKSampler(labels, persons, images_per_person, short_persons)  # type: ignore[arg-type]
        return
    sampler = PKSampler(labels, persons, images_per_person, short_persons)  # type: ignore[arg-type]
    epoch = sampler.epoch(np.random.default_rng(seed))
    drawn = labels[epoch].reshape(len(epoch), persons, images_per_person)

    assert (drawn == drawn[..., :1]).all()
    assert all(len(set(batch)) == persons for batch in drawn[..., 0])
    for person in drawn[..., 0].ravel():
        groups[person] -= 1
    assert min(groups.values()) >= 0
    assert sum(left > 0 for left in groups.values()) < persons
    times = Counter(epoch.ravel().tolist())
    assert all(count == 1 or counts[labels[image]] < images_per_person for image, count in times.items())


@given(st.lists(st.integers(4, 13), min_size=3, max_size=12), seeds)
def test_nobody_is_short_then_the_policy_does_not_matter(counts: list[int], seed: int) -> None:
    labels = labels_of(counts, seed)
    epochs = [
        PKSampler(labels, 3, 4, policy).epoch(np.random.default_rng(seed)) for policy in ("error", "repeat", "drop")
    ]
    np.testing.assert_array_equal(epochs[0], epochs[1])
    np.testing.assert_array_equal(epochs[0], epochs[2])


def test_the_same_generator_draws_the_same_epoch_and_another_a_different_one() -> None:
    sampler = PKSampler(labels_of([8] * 20, 0), 4, 4)
    first, again, other = (sampler.epoch(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_image_and_every_person_is_equally_likely() -> None:
    labels = labels_of([5, 5, 5, 5], 0)
    sampler = PKSampler(labels, 2, 4)
    rng = np.random.default_rng(0)
    epochs = np.concatenate([sampler.epoch(rng) for _ in range(1000)])
    times = np.bincount(epochs.ravel(), minlength=len(labels))
    assert times.sum() == 2 * 1000 * 8
    assert times.min() > 740  # 800 expected, standard deviation 12.6
    assert times.max() < 860
    together = Counter(tuple(sorted(row)) for row in labels[epochs[::2, ::4]].tolist())
    assert len(together) == 6
    assert min(together.values()) > 120  # 167 expected, standard deviation 11.8


def test_a_short_person_repeats_only_their_own_images() -> None:
    labels = np.array([0, 1, 1, 1, 1, 0], dtype=np.int64)
    (batch,) = PKSampler(labels, 2, 4, "repeat").epoch(np.random.default_rng(0))
    assert sorted(batch[labels[batch] == 1]) == [1, 2, 3, 4]
    assert set(batch[labels[batch] == 0]) <= {0, 5}


def test_labels_need_not_be_consecutive() -> None:
    labels = np.array([7, -3, 7, -3], dtype=np.int64)
    (batch,) = PKSampler(labels, 2, 2).epoch(np.random.default_rng(0))
    assert sorted(batch) == [0, 1, 2, 3]


def test_short_persons_are_an_error_that_names_five_of_them_and_the_cure() -> None:
    labels = labels_of([3, 4, 1, 2, 3, 3, 1, 2], 0)
    with pytest.raises(DatasetError) as caught:
        PKSampler(labels, 1, 4, names=["ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal"])
    assert caught.value.got == "fewer for ann, cat, dan, eve, fay and 2 more"
    assert "-o sampler.short_persons=repeat" in (caught.value.cure or "")
    with pytest.raises(DatasetError) as caught:
        PKSampler(labels_of([3, 4], 0), 1, 4)
    assert caught.value.got == "fewer for 0"


def test_more_persons_than_there_are_is_an_error_that_says_how_many_there_are() -> None:
    with pytest.raises(DatasetError) as caught:
        PKSampler(labels_of([4, 4, 2], 0), 3, 4, "drop")
    assert caught.value.got == "2 (of 3 persons in training)"
    assert caught.value.cure == "-o sampler.persons=2"


def test_market1501_gives_at_least_180_batches_of_16_by_4_quickly(market1501: Path) -> None:
    labels, _ = person_labels(read_market1501(market1501).split("train"))
    sampler = PKSampler(labels, 16, 4, "repeat")
    rng = np.random.default_rng(0)
    lengths, seconds = [], []
    for _ in range(10):
        start = time.perf_counter()
        lengths.append(len(sampler.epoch(rng)))
        seconds.append(time.perf_counter() - start)
    assert min(lengths) >= 180
    assert max(lengths) <= 190
    assert min(seconds) < 0.05
