from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from reseen.errors import ImageError
from reseen.training.images import Images, ImagesReadAhead, ResidentImages

CPU = torch.device("cpu")
PIXELS = np.random.default_rng(0).integers(0, 256, (9, 4, 2, 3), dtype=np.uint8)
PLACES = [np.array([3, 0]), np.array([8, 8]), np.array([1, 2]), np.array([5, 4])]


def read(places: np.ndarray) -> np.ndarray:
    return np.take(PIXELS, places, axis=0)


@pytest.mark.parametrize("threads", [1, 3])
def test_images_that_are_read_ahead_are_those_that_are_resident(threads: int) -> None:
    resident: Images = ResidentImages(torch.from_numpy(PIXELS))
    ahead: Images = ImagesReadAhead(read, CPU, threads)

    assert resident.device == ahead.device == CPU
    pairs = list(zip(resident.batches(PLACES), ahead.batches(PLACES), strict=True))
    assert len(pairs) == len(PLACES)
    for (one, other), places in zip(pairs, PLACES, strict=True):
        assert torch.equal(one, other)
        assert np.array_equal(one.numpy(), PIXELS[places])


def test_the_next_batches_are_read_while_one_is_used_and_no_more_than_a_few() -> None:
    begun: list[int] = []
    next_one = threading.Event()

    def note(places: np.ndarray) -> np.ndarray:
        begun.append(int(places[0]))
        if len(begun) > 1:
            next_one.set()
        return read(places)

    batches = ImagesReadAhead(note, CPU, 2).batches([np.array([place % 9]) for place in range(100)])
    next(batches)
    assert next_one.wait(10)
    time.sleep(0.05)
    assert len(begun) <= 4
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reseen")]


def broken(places: np.ndarray) -> np.ndarray:
    if 8 in places:
        raise ImageError("b.jpg cannot be read", expected="an image", got="a text", cure="remove it")
    return read(places)


def test_a_broken_image_is_an_error_when_its_batch_is_asked_for() -> None:
    batches: Iterator[torch.Tensor] = ImagesReadAhead(broken, CPU, 2).batches(PLACES)
    next(batches)
    with pytest.raises(ImageError, match=r"b\.jpg"):
        next(batches)
