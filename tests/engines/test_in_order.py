from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from reseen.engines.in_order import in_order


def test_results_come_in_the_items_order_whichever_is_done_first() -> None:
    def slow_at_first(part: Sequence[int]) -> list[int]:
        time.sleep(0.05 / (1 + part[0]))
        return list(part)

    parts = list(in_order(slow_at_first, range(20), size=3, threads=4))

    assert parts == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [12, 13, 14], [15, 16, 17], [18, 19]]


def test_no_items_are_no_work() -> None:
    assert list(in_order(len, [], size=3, threads=2)) == []


def test_so_many_threads_work_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=10)

    assert list(in_order(lambda part: together.wait() >= 0, range(6), size=1, threads=3)) == [True] * 6


def test_no_more_is_begun_than_a_few_ahead_of_the_caller() -> None:
    begun: list[int] = []
    results = in_order(lambda part: begun.append(part[0]), range(100), size=1, threads=2)

    for taken in range(1, 6):
        next(results)
        time.sleep(0.02)
        assert len(begun) <= taken + 3
    results.close()
    assert len(begun) <= 8


def test_what_goes_wrong_comes_in_its_place_and_ends_the_work() -> None:
    begun: list[int] = []

    def fail_at_two(part: Sequence[int]) -> int:
        begun.append(part[0])
        if part[0] == 2:
            raise ValueError("2")
        return part[0]

    results = in_order(fail_at_two, range(100), size=1, threads=2)

    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="2"):
        next(results)
    assert len(begun) < 10
