from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.manifest import Manifest
from reseen.datasets.sampler import PKSampler
from reseen.errors import ImageError, UsageError
from reseen.recipe.schema import Recipe
from reseen.training.augmentation import augment, draw
from reseen.training.batches import (
    Batches,
    Images,
    ImagesReadAhead,
    ResidentImages,
    TrainingSet,
    fit,
    hold_images,
    share,
)
from reseen.training.processes import ALONE, Processes
from reseen.training.randomness import Purpose, generator

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
SIZE = ("preprocess.height=64", "preprocess.width=32")
"""That of the people's images."""


@pytest.fixture
def paths(people: Manifest) -> list[Path]:
    return [sample.path for sample in people.split("train")]


def free(_: torch.device) -> tuple[int, int]:
    return FREE, 2 * FREE


def test_images_that_fit_the_memory_allowed_are_resident_and_others_are_read_the_same(
    paths: list[Path], small_recipe: SmallRecipe
) -> None:
    told: list[tuple[str, int, int]] = []
    resident, where = hold_images(paths, small_recipe(*SIZE), CPU, lambda *now: told.append(now))
    read, elsewhere = hold_images(paths, small_recipe(*SIZE, "data.memory_limit_gb=1.0e-5"), CPU)

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
        recipe = small_recipe(*SIZE, f"data.memory_limit_gb={limit!r}")
        assert isinstance(hold_images(paths, recipe, CPU)[0], kind)


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


@pytest.fixture
def make_batches(small_recipe: SmallRecipe, training_set: TrainingSet) -> Callable[..., Batches]:
    def make(*overrides: str, processes: Processes = ALONE) -> Batches:
        recipe = small_recipe(*overrides)
        sampler = PKSampler(training_set.labels, recipe.sampler.persons, recipe.sampler.images_per_person)
        return Batches(recipe, training_set, sampler, processes)

    return make


def test_every_epoch_draws_anew_unless_nothing_is_shuffled(make_batches: Callable[..., Batches]) -> None:
    shuffled, fixed = make_batches(), make_batches("sampler.shuffle=false")

    assert np.array_equal(shuffled.of_epoch(3), shuffled.of_epoch(3))
    assert not np.array_equal(shuffled.of_epoch(3)[:3], shuffled.of_epoch(4)[:3])
    assert np.array_equal(fixed.of_epoch(3), fixed.of_epoch(4))
    assert np.array_equal(fixed.of_epoch(0), shuffled.of_epoch(0))


def test_a_batch_is_its_images_changed_as_drawn(
    make_batches: Callable[..., Batches], training_set: TrainingSet
) -> None:
    batches = make_batches()
    drawn = batches.of_epoch(2)
    batch = drawn[1]
    images, labels = next(batches.ready(2, drawn, 1))
    recipe = batches.recipe
    draws = draw(recipe.augmentation, len(batch), recipe.preprocess, generator(0, Purpose.AUGMENTATION, 2, 1))
    (pixels,) = training_set.images.batches([np.arange(len(training_set.labels))])
    expected = augment(pixels[batch], draws, recipe.augmentation, recipe.preprocess)

    assert torch.equal(images, expected)
    assert labels.tolist() == training_set.labels[batch].tolist()


@pytest.mark.parametrize("count", [1, 2, 4])
def test_processes_share_a_batch_person_by_person(make_batches: Callable[..., Batches], count: int) -> None:
    settings = "sampler={persons: 4, images_per_person: 2}"
    whole = make_batches(settings)
    drawn = whole.of_epoch(0)
    images, labels = next(whole.ready(0, drawn))
    parts = [make_batches(settings, processes=Processes(rank, count)) for rank in range(count)]
    shares = [next(part.ready(0, drawn)) for part in parts]

    assert torch.equal(torch.cat([share for share, _ in shares]), images)
    assert torch.equal(torch.cat([share for _, share in shares]), labels)
    persons = [set(share.tolist()) for _, share in shares]
    assert [len(each) for each in persons] == [4 // count] * count
    assert sum(len(each) for each in persons) == len(set().union(*persons))


def test_there_are_as_many_persons_as_labels(training_set: TrainingSet) -> None:
    assert training_set.persons == 5


@given(st.integers(1, 6), st.integers(1, 6), st.integers(2, 5))
def test_processes_share_a_batch_by_whole_persons_equally_and_without_overlap(each: int, count: int, k: int) -> None:
    persons = each * count
    person_of_place = np.repeat(np.arange(persons), k)

    shares = [share(persons, k, rank, count) for rank in range(count)]

    np.testing.assert_array_equal(np.concatenate(shares), np.arange(persons * k))
    for rank, places in enumerate(shares):
        own, images = np.unique(person_of_place[places], return_counts=True)
        assert own.tolist() == list(range(rank * each, (rank + 1) * each))
        assert set(images) == {k}


@pytest.mark.parametrize(
    ("persons", "k", "count", "nearest"),
    [
        (16, 4, 3, 15),
        (16, 4, 5, 15),
        (18, 4, 4, 16),
        (19, 4, 4, 20),
        (1, 4, 2, 2),
        (7, 1, 2, 8),
        (2, 1, 2, 4),
        (5, 1, 4, 8),
    ],
)
def test_persons_that_cannot_be_shared_are_refused_with_the_nearest_number_that_can(
    persons: int, k: int, count: int, nearest: int
) -> None:
    for rank in range(count):
        with pytest.raises(UsageError, match=f"cannot be divided among {count} processes") as refused:
            share(persons, k, rank, count)
        assert refused.value.cure == f"-o sampler.persons={nearest}, or start another number of processes"
    assert sum(len(share(nearest, k, rank, count)) for rank in range(count)) == nearest * k


@given(st.integers(1, 40), st.integers(1, 3), st.integers(1, 8))
def test_what_is_named_as_nearest_can_be_shared_and_nothing_nearer(persons: int, k: int, count: int) -> None:
    usable = [p for p in range(1, 100) if p % count == 0 and p // count * k >= 2]
    if persons in usable:
        assert len(share(persons, k, 0, count)) == persons // count * k
        return
    with pytest.raises(UsageError) as refused:
        share(persons, k, 0, count)
    nearest = int((refused.value.cure or "").partition("=")[2].partition(",")[0])
    assert nearest in usable
    assert abs(nearest - persons) == min(abs(p - persons) for p in usable)
