"""Work on many files in threads: Pillow and hashing release the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Progress = Callable[[int, int], None]
"""Called with how many items are done and how many there are, now and then, by the thread that waits."""

_CHUNK = 64

T = TypeVar("T")
R = TypeVar("R")


def map_in_threads(
    work: Callable[[T], R], items: Sequence[T], *, threads: int | None = None, progress: Progress | None = None
) -> list[R]:
    """Results of `work` for every item, in the order of the items.

    The first error, in that order, is raised as soon as it is reached; what has not begun by then is not done.

    Args:
        work: called in several threads at once.
        items: what to call it with.
        threads: how many; None leaves it to Python.
        progress: called in the calling thread.
    """
    results: list[R] = []
    pool = ThreadPoolExecutor(threads, thread_name_prefix="reseen")
    try:
        chunks = [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]
        for future in [pool.submit(_work_chunk, work, chunk) for chunk in chunks]:
            results.extend(future.result())
            if progress is not None:
                progress(len(results), len(items))
    finally:
        pool.shutdown(cancel_futures=True)
    return results


def _work_chunk(work: Callable[[T], R], chunk: Sequence[T]) -> list[R]:
    return [work(item) for item in chunk]
