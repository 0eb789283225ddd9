from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

from reseen.engines.inputs import Input, inputs_of
from reseen.engines.prepare import BATCHES_AHEAD, prepared_batches
from reseen.errors import ImageError
from reseen.images.preprocess import Preprocess

SIZE = Preprocess(height=16, width=16)


def plain(number: int) -> np.ndarray:
    return np.full((16, 16, 3), number, dtype=np.uint8)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 30])
@pytest.mark.parametrize("threads", [1, 3])
def test_images_come_in_their_order_whatever_the_batches(count: int, threads: int) -> None:
    inputs = inputs_of([plain(number) for number in range(count)])

    batches = list(prepared_batches(inputs, SIZE, 8, threads))

    assert [len(batch) for batch in batches] == [8] * (count // 8) + [count % 8] * (count % 8 > 0)
    assert [name for batch in batches for name in batch.names] == [f"image {number}" for number in range(count)]
    assert [row[0, 0, 0] for batch in batches for row in batch.pixels] == list(range(count))


def test_a_broken_image_leaves_the_others_where_they_belong() -> None:
    inputs = inputs_of([b"broken" if number in {0, 5, 9} else plain(number) for number in range(12)])

    batches = list(prepared_batches(inputs, SIZE, 4, 2))

    assert [list(batch.broken) for batch in batches] == [["image 0"], ["image 5"], ["image 9"]]
    assert all(isinstance(error, ImageError) for batch in batches for error in batch.broken.values())
    assert [row[0, 0, 0] for batch in batches for row in batch.pixels] == [1, 2, 3, 4, 6, 7, 8, 10, 11]


def test_a_batch_of_broken_images_has_no_pixels() -> None:
    (batch,) = prepared_batches(inputs_of([b"a", b"b"]), SIZE, 8, 1)

    assert batch.pixels.shape == (0, 16, 16, 3)
    assert len(batch) == 2


@dataclass
class Watch:
    """Counts images that are begun."""

    begun: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, eq=False)
class Watched(Input):
    watch: Watch = field(default_factory=Watch)

    def pixels(self) -> np.ndarray:
        with self.watch.lock:
            self.watch.begun += 1
        return plain(0)


def test_no_more_than_a_few_batches_are_decoded_ahead() -> None:
    watch = Watch()
    batches = prepared_batches([Watched(str(number), None, watch) for number in range(100)], SIZE, 4, 2)

    for taken in range(1, 6):
        next(batches)
        assert watch.begun <= 4 * (taken + BATCHES_AHEAD)
    batches.close()  # type: ignore[attr-defined]

    assert watch.begun < 40
