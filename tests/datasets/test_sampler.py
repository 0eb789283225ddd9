from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from itertools import combinations, permutations
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import chisquare

from reseen.datasets.manifest import person_labels
from reseen.datasets.market1501 import read_market1501
from reseen.datasets.sampler import PKSampler, ShortPersons, draw_by_chance, draw_exhaustively, person_images
from reseen.errors import DatasetError

Method = Literal["exhaustive", "id_avg_prob", "sample_avg_prob"]
CountCalls = Callable[[], AbstractContextManager[Any]]
BY_CHANCE: tuple[Method, ...] = ("id_avg_prob", "sample_avg_prob")
methods = pytest.mark.parametrize("method", ["exhaustive", *BY_CHANCE])
seeds = st.integers(0, 2**32)


@pytest.fixture(scope="module")
def market_labels(market1501: Path) -> np.ndarray:
    """The person of each training image of Market-1501."""
    return person_labels(read_market1501(market1501).split("train"))[0]


def labels_of(counts: list[int], seed: int = 0) -> np.ndarray:
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
    with pytest.raises(DatasetError, match="too few images for one batch") as refused:
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
        (3, 4, "2 (of 3 people in training)", "-o sampler.persons=2"),
        (1, 5, "0 (of 3 people in training)", "lower sampler.images_per_person, or set sampler.short_persons=repeat"),
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
    options: dict[str, Any], least: int, most: int, market_labels: np.ndarray
) -> None:
    sampler = PKSampler(market_labels, 16, 4, "repeat", **options)
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


@given(st.lists(st.integers(-3, 6), min_size=1, max_size=40), st.integers(1, 4), st.sampled_from(["repeat", "drop"]))
def test_images_are_those_of_the_persons_that_are_kept(labels: list[int], least: int, policy: ShortPersons) -> None:
    pool = person_images(np.array(labels, dtype=np.int64), least, policy)

    kept = [person for person in sorted(set(labels)) if policy == "repeat" or labels.count(person) >= least]
    assert pool.counts.tolist() == [labels.count(person) for person in kept]
    assert pool.images.tolist() == [place for place, person in enumerate(labels) if person in kept]
    assert [kept[owner] for owner in pool.owners] == [labels[place] for place in pool.images]


def test_starts_are_where_each_person_begins_once_sorted() -> None:
    pool = person_images(np.array([2, 0, 2, 1, 0, 2], dtype=np.int64), 1, "error")

    by_person = pool.images[np.argsort(pool.owners, kind="stable")]
    assert [part.tolist() for part in np.split(by_person, pool.starts[1:])] == [[1, 4], [3], [0, 2, 5]]


def test_short_persons_are_an_error_that_names_five_of_them_and_the_cure() -> None:
    labels = np.repeat(np.arange(8), [3, 4, 1, 2, 3, 3, 1, 2])

    with pytest.raises(DatasetError, match="7 people have fewer than 4 training images") as refused:
        person_images(labels, 4, "error", ["ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal"])

    assert refused.value.got == "fewer for ann, cat, dan, eve, fay and 2 more"
    assert "-o sampler.short_persons=repeat" in (refused.value.cure or "")


def test_short_persons_without_names_are_named_by_label() -> None:
    with pytest.raises(DatasetError) as refused:
        person_images(np.array([5, 5, 8], dtype=np.int64), 2, "error")

    assert refused.value.got == "fewer for 8"


image_counts = st.lists(st.integers(1, 13), min_size=1, max_size=12)
seeds = st.integers(0, 2**32)


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


Chances = Literal["id_avg_prob", "sample_avg_prob"]
METHODS: tuple[Chances, ...] = ("id_avg_prob", "sample_avg_prob")


def as_likely_as(drawn: Iterable[Hashable], chances: Mapping[Hashable, float]) -> bool:
    """Whether draws look as if each outcome had its chance."""
    times = Counter(drawn)
    assert times.keys() <= chances.keys()
    expected = [chance * times.total() for chance in chances.values()]
    assert min(expected) > 50
    return bool(chisquare([times[outcome] for outcome in chances], expected).pvalue > 1e-6)


def one_after_another(counts: list[int], persons: int) -> dict[Hashable, float]:
    """Chances of sets of persons drawn one by one, each in proportion to their images among those who are left."""
    chances: Counter[Hashable] = Counter()
    for order in permutations(range(len(counts)), persons):
        left = [sum(counts) - sum(counts[person] for person in order[:place]) for place in range(persons)]
        chances[frozenset(order)] += prod(counts[p] / rest for p, rest in zip(order, left, strict=True))  # type: ignore[assignment]
    return dict(chances)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(1, 6),
    st.sampled_from(METHODS),
    st.sampled_from(["repeat", "drop"]),
    st.integers(0, 2**32),
)
def test_every_batch_is_p_different_persons_of_k_images_which_differ_where_there_are_enough(
    counts: list[int], persons: int, k: int, batches: int, method: Chances, short_persons: ShortPersons, seed: int
) -> None:
    labels = labels_of(counts, seed)
    pool = person_images(labels, k, short_persons)
    assume(len(pool.counts) >= persons)

    epoch = draw_by_chance(pool, persons, k, np.random.default_rng(seed), batches=batches, chances=method)

    assert epoch.shape == (batches, persons * k)
    for batch in epoch:
        groups = batch.reshape(persons, k)
        drawn = labels[groups]
        assert (drawn == drawn[:, :1]).all()
        assert len(set(drawn[:, 0])) == persons
        for group, person in zip(groups, drawn[:, 0], strict=True):
            assert len(set(group)) == k or (short_persons == "repeat" and counts[person] < k)


@pytest.mark.parametrize("method", METHODS)
def test_persons_come_with_the_chances_that_the_method_gives_them(method: Chances) -> None:
    counts = [2, 3, 4, 6, 9]
    labels = labels_of(counts)
    equal = [1] * len(counts)

    pool, rng = person_images(labels, 2, "error"), np.random.default_rng(1)
    epoch = draw_by_chance(pool, 2, 2, rng, batches=6000, chances=method)

    drawn = [frozenset(batch) for batch in labels[epoch[:, ::2]].tolist()]
    assert as_likely_as(drawn, one_after_another(equal, 2)) is (method == "id_avg_prob")
    assert as_likely_as(drawn, one_after_another(counts, 2)) is (method == "sample_avg_prob")


@pytest.mark.parametrize(("images", "k"), [(5, 1), (5, 2), (5, 4), (12, 3)])
def test_every_choice_of_a_persons_images_is_equally_likely(images: int, k: int) -> None:
    pool = person_images(np.zeros(images, dtype=np.int64), k, "error")

    epoch = draw_by_chance(pool, 1, k, np.random.default_rng(2), batches=20_000, chances="id_avg_prob")

    choices = list(combinations(range(images), k))
    drawn = [tuple(sorted(batch)) for batch in epoch.tolist()]
    assert as_likely_as(drawn, dict.fromkeys(choices, 1 / len(choices)))


def test_a_short_person_gives_each_of_their_images_equally_often() -> None:
    pool = person_images(np.array([0, 0, 0], dtype=np.int64), 4, "repeat")

    epoch = draw_by_chance(pool, 1, 4, np.random.default_rng(3), batches=3000, chances="id_avg_prob")

    pairs = [tuple(pair) for batch in epoch.tolist() for pair in (batch[:2], batch[2:])]
    assert as_likely_as(pairs, {(one, other): 1 / 9 for one in range(3) for other in range(3)})


def test_batches_are_drawn_without_regard_to_each_other() -> None:
    labels = labels_of([2, 2, 2, 2])

    pool, rng = person_images(labels, 2, "error"), np.random.default_rng(4)
    epoch = draw_by_chance(pool, 1, 2, rng, batches=8000, chances="id_avg_prob")

    persons = labels[epoch[:, 0]].tolist()
    assert as_likely_as(
        zip(persons[::2], persons[1::2], strict=True), {(a, b): 1 / 16 for a in range(4) for b in range(4)}
    )
