from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.errors import UsageError
from reseen.training.share import share


@given(st.integers(1, 6), st.integers(1, 6), st.integers(2, 5))
def test_processes_share_a_batch_by_whole_persons_equally_and_without_overlap(each: int, count: int, k: int) -> None:
    persons = each * count
    person_of_place = np.repeat(np.arange(persons), k)

    shares = [share(persons, k, rank, count) for rank in range(count)]

    np.testing.assert_array_equal(np.concatenate(shares), np.arange(persons * k))
    for rank, places in enumerate(shares):
        own, images = np.unique(person_of_place[places], return_counts=True)
        assert own.tolist() == list(range(rank * each, (rank + 1) * each))
        assert set(images) == {k}


@pytest.mark.parametrize(
    ("persons", "k", "count", "nearest"),
    [
        (16, 4, 3, 15),
        (16, 4, 5, 15),
        (18, 4, 4, 16),
        (19, 4, 4, 20),
        (1, 4, 2, 2),
        (7, 1, 2, 8),
        (2, 1, 2, 4),
        (5, 1, 4, 8),
    ],
)
def test_persons_that_cannot_be_shared_are_refused_with_the_nearest_number_that_can(
    persons: int, k: int, count: int, nearest: int
) -> None:
    for rank in range(count):
        with pytest.raises(UsageError, match=f"cannot be shared by {count} processes") as refused:
            share(persons, k, rank, count)
        assert refused.value.cure == f"-o sampler.persons={nearest}, or start another number of processes"
    assert sum(len(share(nearest, k, rank, count)) for rank in range(count)) == nearest * k


@given(st.integers(1, 40), st.integers(1, 3), st.integers(1, 8))
def test_what_is_named_as_nearest_can_be_shared_and_nothing_nearer(persons: int, k: int, count: int) -> None:
    usable = [p for p in range(1, 100) if p % count == 0 and p // count * k >= 2]
    if persons in usable:
        assert len(share(persons, k, 0, count)) == persons // count * k
        return
    with pytest.raises(UsageError) as refused:
        share(persons, k, 0, count)
    nearest = int((refused.value.cure or "").partition("=")[2].partition(",")[0])
    assert nearest in usable
    assert abs(nearest - persons) == min(abs(p - persons) for p in usable)
