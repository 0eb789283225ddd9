from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.person_images import ShortPersons, person_images
from reseen.errors import DatasetError


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

    with pytest.raises(DatasetError, match="7 persons have fewer than 4 images") as refused:
        person_images(labels, 4, "error", ["ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal"])

    assert refused.value.got == "fewer for ann, cat, dan, eve, fay and 2 more"
    assert "-o sampler.short_persons=repeat" in (refused.value.cure or "")


def test_short_persons_without_names_are_named_by_label() -> None:
    with pytest.raises(DatasetError) as refused:
        person_images(np.array([5, 5, 8], dtype=np.int64), 2, "error")

    assert refused.value.got == "fewer for 8"
