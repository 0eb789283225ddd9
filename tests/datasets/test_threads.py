from __future__ import annotations

import threading
import time

import pytest

from reseen.datasets.threads import map_in_threads


def test_results_keep_the_order_of_the_items() -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert map_in_threads(slow_first, range(1000), threads=4) == [item * item for item in range(1000)]
    assert map_in_threads(slow_first, []) == []


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

    workers = set(map_in_threads(meet, range(130), threads=2, progress=progress))
    assert len(workers) == 2
    assert listeners == {threading.get_ident()}
    assert told == [(64, 130), (128, 130), (130, 130)]


def test_the_first_error_stops_the_rest() -> None:
    started: list[int] = []

    def fail(item: int) -> None:
        started.append(item)
        time.sleep(0.001)
        if item == 3:
            raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 3"):
        map_in_threads(fail, range(100_000), threads=2)
    assert len(started) < 1000
