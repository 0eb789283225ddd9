"""Work on a few items at a time, in several threads, its results in the items' order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
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
