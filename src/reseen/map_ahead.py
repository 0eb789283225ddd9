"""Work in several threads ahead of the caller, with results in the items' order.

Pillow, hashing and the engines release the interpreter lock, so threads are enough.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

OnProgress = Callable[[int, int], None]
"""Called with how many items are done and how many there are, in the calling thread."""

OnStage = Callable[[str, int, int], None]
"""Called with the name of a stage of some work, how much of it is done, and how much there is."""

_CHUNK = 64

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    work: Callable[[Sequence[Item]], Result], items: Sequence[Item], *, size: int, threads: int
) -> Generator[Result, None, None]:
    """What `work` makes of `size` items after the other, in their order.

    However many items there are, no more than `threads` + 1 results are ahead of the caller. What `work` raises comes
    in its place, and nothing more is begun.

    Args:
        work: called in a thread.
        items: what to work on.
        size: items for one call, at most.
        threads: that work.
    """
    parts = (items[start : start + size] for start in range(0, len(items), size))
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="reseen") as pool:
        try:
            waiting.extend(pool.submit(work, part) for part in islice(parts, threads + 1))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, part) for part in islice(parts, 1))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)


def map_all(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    threads: int | None = None,
    progress: OnProgress | None = None,
) -> list[Result]:
    """Results of `work` for every item, in the order of the items.

    The first error, in that order, is raised as soon as it is reached; what has not begun by then is not done.

    Args:
        work: called in several threads at once.
        items: what to call it with.
        threads: how many; None takes what `ThreadPoolExecutor` would.
        progress: told how far the work is.
    """
    results: list[Result] = []
    for done in map_ahead(
        lambda chunk: [work(item) for item in chunk],
        items,
        size=_CHUNK,
        threads=threads or min(32, (os.cpu_count() or 1) + 4),
    ):
        results.extend(done)
        if progress is not None:
            progress(len(results), len(items))
    return results
