from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from reseen.datasets.manifest import Manifest
from reseen.errors import ImageError
from reseen.recipe.schema import Recipe
from reseen.training.images import Images, ImagesReadAhead, ResidentImages, fit, hold_images

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


SmallRecipe = Callable[..., Recipe]
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
FREE = 1000


@pytest.fixture
def paths(people: Manifest) -> list[Path]:
    return [sample.path for sample in people.split("train")]


def free(_: torch.device) -> tuple[int, int]:
    return FREE, 2 * FREE


def test_images_that_fit_the_memory_allowed_are_resident_and_others_are_read_the_same(
    paths: list[Path], small_recipe: SmallRecipe
) -> None:
    told: list[tuple[str, int, int]] = []
    resident, where = hold_images(paths, small_recipe(), CPU, lambda *now: told.append(now))
    read, elsewhere = hold_images(paths, small_recipe("data.memory_limit_gb=1.0e-5"), CPU)

    assert isinstance(resident, ResidentImages)
    assert isinstance(read, ImagesReadAhead)
    assert where == "0.2 MB of training images are held in memory, on cpu"
    assert elsewhere == "0.2 MB of training images are read as they are needed: data.memory_limit_gb is 1e-05"
    assert told[-1] == ("reading", len(paths), len(paths))
    places = [np.array([3, 0, 3]), np.array([35, 1, 2])]
    for one, other in zip(resident.batches(places), read.batches(places), strict=True):
        assert torch.equal(one, other)


def test_the_limit_is_what_the_decoded_images_take(paths: list[Path], small_recipe: SmallRecipe) -> None:
    gigabytes = len(paths) * 64 * 32 * 3 / 1e9

    for limit, kind in ((gigabytes, ResidentImages), (gigabytes * 0.999, ImagesReadAhead)):
        assert isinstance(hold_images(paths, small_recipe(f"data.memory_limit_gb={limit!r}"), CPU)[0], kind)


def test_an_accelerator_without_the_room_is_given_images_from_the_hosts_memory(
    paths: list[Path], small_recipe: SmallRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", free)
    images, where = hold_images(paths, small_recipe(), CUDA)

    assert isinstance(images, ImagesReadAhead)
    assert images.device == CUDA
    assert "in the host's memory" in where
    resident, _ = hold_images(paths, small_recipe(), CPU)
    (expected,) = resident.batches([np.array([5, 1])])
    assert np.array_equal(images.read(np.array([5, 1])), expected.numpy())


def test_images_take_a_quarter_of_an_accelerators_free_memory_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", free)

    assert [fit(FREE // 4, CUDA), fit(FREE // 4 + 1, CUDA), fit(10 * FREE, CPU)] == [True, False, True]
