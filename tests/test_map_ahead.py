from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from reseen.map_ahead import map_ahead, map_all


def test_results_come_in_the_items_order_whichever_is_done_first() -> None:
    def slow_at_first(part: Sequence[int]) -> list[int]:
        time.sleep(0.05 / (1 + part[0]))
        return list(part)

    parts = list(map_ahead(slow_at_first, range(20), size=3, threads=4))

    assert parts == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [12, 13, 14], [15, 16, 17], [18, 19]]


def test_no_items_are_no_work() -> None:
    assert list(map_ahead(len, [], size=3, threads=2)) == []


def test_so_many_threads_work_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=10)

    assert list(map_ahead(lambda part: together.wait() >= 0, range(6), size=1, threads=3)) == [True] * 6


def test_no_more_is_begun_than_a_few_ahead_of_the_caller() -> None:
    begun: list[int] = []
    results = map_ahead(lambda part: begun.append(part[0]), range(100), size=1, threads=2)

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

    results = map_ahead(fail_at_two, range(100), size=1, threads=2)

    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="2"):
        next(results)
    assert len(begun) < 10


def test_all_results_keep_the_order_of_the_items() -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert map_all(slow_first, range(1000), threads=4) == [item * item for item in range(1000)]
    assert map_all(slow_first, []) == []


def test_several_threads_work_and_the_caller_hears_of_progress() -> None:
    both = threading.Barrier(2, timeout=10)
    told: list[tuple[int, int]] = []
    listeners: set[int] = set()

    def meet(item: int) -> int:
        if item in (0, 64):  # the first of the first and of the second chunk
            both.wait()
        return threading.get_ident()

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        listeners.add(threading.get_ident())

    workers = set(map_all(meet, range(130), threads=2, progress=progress))
    assert len(workers) == 2
    assert listeners == {threading.get_ident()}
    assert told == [(64, 130), (128, 130), (130, 130)]


def test_the_first_error_stops_the_rest_of_all() -> None:
    started: list[int] = []

    def fail(item: int) -> None:
        started.append(item)
        time.sleep(0.001)
        if item == 3:
            raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 3"):
        map_all(fail, range(100_000), threads=2)
    assert len(started) < 1000
