from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reseen.datasets.sampler import PKSampler
from reseen.errors import UsageError
from reseen.recipe.schema import Recipe
from reseen.training.augmentation import augment, draw
from reseen.training.batches import Batches, TrainingSet, share
from reseen.training.processes import ALONE, Processes
from reseen.training.randomness import Purpose, generator

SmallRecipe = Callable[..., Recipe]


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
        with pytest.raises(UsageError, match=f"cannot be shared by {count} processes") as refused:
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
