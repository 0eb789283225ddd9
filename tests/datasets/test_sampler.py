from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.manifest import person_labels
from reseen.datasets.market1501 import read_market1501
from reseen.datasets.sampler import PKSampler
from reseen.errors import DatasetError

Method = Literal["exhaustive", "id_avg_prob", "sample_avg_prob"]
CountCalls = Callable[[], AbstractContextManager[Any]]
BY_CHANCE: tuple[Method, ...] = ("id_avg_prob", "sample_avg_prob")
methods = pytest.mark.parametrize("method", ["exhaustive", *BY_CHANCE])
seeds = st.integers(0, 2**32)


def labels_of(counts: list[int], seed: int) -> np.ndarray:
    """Labels of persons 0, 1, … with so many images each, in random order."""
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)


@methods
@given(counts=st.lists(st.integers(4, 13), min_size=3, max_size=12), seed=seeds)
def test_nobody_is_short_then_the_policy_does_not_matter(method: Method, counts: list[int], seed: int) -> None:
    labels = labels_of(counts, seed)
    epochs = [
        PKSampler(labels, 3, 4, policy, method=method).epoch(np.random.default_rng(seed))
        for policy in ("error", "repeat", "drop")
    ]
    np.testing.assert_array_equal(epochs[0], epochs[1])
    np.testing.assert_array_equal(epochs[0], epochs[2])


@methods
def test_the_same_generator_draws_the_same_epoch_and_another_a_different_one(method: Method) -> None:
    sampler = PKSampler(labels_of([8] * 20, 0), 4, 4, method=method)
    first, again, other = (sampler.epoch(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@methods
def test_labels_need_not_be_consecutive(method: Method) -> None:
    labels = np.array([7, -3, 7, -3], dtype=np.int64)
    (batch,) = PKSampler(labels, 2, 2, method=method).epoch(np.random.default_rng(0))
    assert sorted(batch) == [0, 1, 2, 3]


@pytest.mark.parametrize("method", BY_CHANCE)
@pytest.mark.parametrize(
    ("counts", "drop_last", "batches"),
    [([8, 8], False, 2), ([8, 8], True, 2), ([8, 9], False, 3), ([8, 9], True, 2), ([4, 4], True, 1)],
)
def test_by_chance_an_epoch_has_as_many_batches_as_the_images_fill(
    method: Method, counts: list[int], drop_last: bool, batches: int
) -> None:
    sampler = PKSampler(labels_of(counts, 0), 2, 4, method=method, drop_last=drop_last)
    assert sampler.epoch(np.random.default_rng(0)).shape == (batches, 8)


def test_persons_that_are_dropped_fill_no_batch() -> None:
    labels = labels_of([4, 4, 3, 3, 3], 0)
    dropped, repeated = (PKSampler(labels, 2, 4, p, method="id_avg_prob") for p in ("drop", "repeat"))
    assert len(dropped.epoch(np.random.default_rng(0))) == 1
    assert len(repeated.epoch(np.random.default_rng(0))) == 3


@pytest.mark.parametrize("method", BY_CHANCE)
def test_an_epoch_of_no_batch_is_an_error_that_says_what_to_change(method: Method) -> None:
    labels = labels_of([3, 3], 0)
    with pytest.raises(DatasetError, match="no batch") as refused:
        PKSampler(labels, 2, 4, "repeat", method=method, drop_last=True)
    assert refused.value.got == "6 images"
    assert refused.value.cure == "-o sampler.drop_last=false"
    assert len(PKSampler(labels, 2, 4, "repeat", method=method).epoch(np.random.default_rng(0))) == 1
    assert len(PKSampler(labels, 2, 4, "repeat", drop_last=True).epoch(np.random.default_rng(0))) == 1


def test_short_persons_are_named_in_the_error() -> None:
    with pytest.raises(DatasetError) as refused:
        PKSampler(labels_of([3, 4], 0), 1, 4, names=["ann", "bob"])
    assert refused.value.got == "fewer for ann"


@methods
@pytest.mark.parametrize(
    ("persons", "k", "got", "cure"),
    [
        (3, 4, "2 (of 3 persons in training)", "-o sampler.persons=2"),
        (1, 5, "0 (of 3 persons in training)", "use fewer images_per_person, or repeat"),
    ],
)
def test_more_persons_than_there_are_is_an_error_that_says_how_many_there_are(
    method: Method, persons: int, k: int, got: str, cure: str
) -> None:
    with pytest.raises(DatasetError) as refused:
        PKSampler(labels_of([4, 4, 2], 0), persons, k, "drop", method=method)
    assert refused.value.got == got
    assert refused.value.cure == cure


@pytest.mark.parametrize(
    ("options", "least", "most"),
    [
        ({}, 180, 190),
        ({"method": "id_avg_prob", "drop_last": True}, 202, 202),  # 12,936 / 64 = 202.1
        ({"method": "sample_avg_prob"}, 203, 203),
    ],
)
def test_market1501_gives_its_batches_of_16_by_4(
    options: dict[str, Any], least: int, most: int, market1501: Path
) -> None:
    labels, _ = person_labels(read_market1501(market1501).split("train"))
    sampler = PKSampler(labels, 16, 4, "repeat", **options)
    rng = np.random.default_rng(0)
    lengths = [len(sampler.epoch(rng)) for _ in range(10)]
    assert min(lengths) >= least
    assert max(lengths) <= most


@methods
def test_the_work_outside_numpy_grows_with_the_batches_and_no_faster(method: Method, count_calls: CountCalls) -> None:
    """Nothing is done image by image: in as many batches four times the images cost the same."""
    counts = []
    for images_per_person in (4, 16):
        sampler = PKSampler(labels_of([images_per_person] * 100, 0), 10, images_per_person, method=method)
        with count_calls() as calls:
            batches = sampler.epoch(np.random.default_rng(0))
        assert len(batches) == 10
        counts.append(calls.total)
    assert counts[1] <= counts[0] + 12 * 20  # the draw of each of K images, for all persons at once
