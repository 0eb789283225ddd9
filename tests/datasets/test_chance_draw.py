"""Draws are compared with the chances that they should have, by Pearson's chi-square test at one in a million."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from itertools import combinations, permutations
from math import prod
from typing import Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import chisquare

from reseen.datasets.chance_draw import draw_by_chance
from reseen.datasets.person_images import ShortPersons, person_images

Chances = Literal["id_avg_prob", "sample_avg_prob"]
METHODS: tuple[Chances, ...] = ("id_avg_prob", "sample_avg_prob")


def labels_of(counts: list[int], seed: int = 0) -> np.ndarray:
    """Labels of persons 0, 1, … with so many images each, in random order."""
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)


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
