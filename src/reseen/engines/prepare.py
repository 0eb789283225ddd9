"""Images at the preprocess size, a batch at a time, decoded while the engine computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import UInt8

from reseen.engines.inputs import Input
from reseen.errors import ImageError
from reseen.images.preprocess import Preprocess
from reseen.images.resize import fit

BATCHES_AHEAD = 2
SHARE = 8
"""Images that a thread decodes before it takes others: few enough for all threads to finish a batch together."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Some of the inputs, ready for the engine.

    Attributes:
        names: of those that could be read, in their order.
        pixels: (n, h, w, 3), their RGB pixels at the preprocess size; none when no image could be read.
        broken: why the others could not, by their names.
    """

    names: tuple[str, ...]
    pixels: UInt8[np.ndarray, "n h w 3"]
    broken: dict[str, ImageError]

    def __len__(self) -> int:
        return len(self.names) + len(self.broken)


def prepared_batches(inputs: Sequence[Input], preprocess: Preprocess, size: int, threads: int) -> Iterator[Batch]:
    """All inputs in their order, at most `size` at a time.

    However many inputs there are, no more than `BATCHES_AHEAD` + 1 batches of them are in memory.

    Args:
        inputs: images.
        preprocess: what they are fitted to.
        size: of a batch.
        threads: that decode.
    """
    starts = iter(range(0, len(inputs), size))
    waiting: deque[tuple[_Filling, list[Future[None]]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="reseen") as pool:

        def begin() -> None:
            for start in islice(starts, 1):
                filling = _Filling(inputs[start : start + size], preprocess)
                shares = range(0, len(filling.inputs), SHARE)
                waiting.append((filling, [pool.submit(filling.fill, first) for first in shares]))

        try:
            for _ in range(BATCHES_AHEAD):
                begin()
            while waiting:
                filling, parts = waiting.popleft()
                for part in parts:
                    part.result()
                begin()
                yield filling.batch()
        finally:
            pool.shutdown(cancel_futures=True)


class _Filling:
    """A batch that threads write into, each its own rows."""

    def __init__(self, inputs: Sequence[Input], preprocess: Preprocess) -> None:
        self.inputs = inputs
        self._preprocess = preprocess
        self._pixels = np.empty((len(inputs), preprocess.height, preprocess.width, 3), dtype=np.uint8)
        self._errors: list[ImageError | None] = [None] * len(inputs)

    def fill(self, first: int) -> None:
        """Decode one share of the images."""
        for place, each in enumerate(self.inputs[first : first + SHARE], start=first):
            try:
                self._pixels[place] = fit(each.pixels(), self._preprocess)
            except ImageError as error:
                self._errors[place] = error

    def batch(self) -> Batch:
        """What came of all of them."""
        good = [place for place, error in enumerate(self._errors) if error is None]
        return Batch(
            tuple(self.inputs[place].name for place in good),
            self._pixels if len(good) == len(self.inputs) else self._pixels[good],
            {each.name: error for each, error in zip(self.inputs, self._errors, strict=True) if error is not None},
        )
