"""What learns: batches of the training images, changed at random, and the share of one process in each."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reseen.datasets.sampler import PKSampler
from reseen.errors import UsageError
from reseen.models.transfer import send
from reseen.recipe.schema import Recipe
from reseen.shapes import Float32, Int64
from reseen.training.augmentation import augment, draw
from reseen.training.images import Images
from reseen.training.processes import Processes
from reseen.training.randomness import Purpose, generator


@dataclass(frozen=True)
class TrainingSet:
    """What a run learns from.

    Attributes:
        images: where the images are, and the device that trains.
        labels: class of each image, 0 to persons - 1.
        paths: file of each image, for messages.
    """

    images: Images
    labels: Int64[np.ndarray, " n"]
    paths: Sequence[Path]

    @property
    def persons(self) -> int:
        """How many people there are."""
        return int(self.labels.max()) + 1


class Batches:
    """Draws the batches of every epoch, and makes of each the network's input.

    All draws are for the whole batch, whatever the number of processes; each process then takes its own share of the
    persons.

    Args:
        recipe: preprocessing, augmentation, seed.
        data: the images.
        sampler: says which of them make a batch.
        processes: those that share a batch.

    Raises:
        UsageError: the processes cannot share the batches equally.
    """

    def __init__(self, recipe: Recipe, data: TrainingSet, sampler: PKSampler, processes: Processes) -> None:
        self.recipe = recipe
        self.data = data
        self.sampler = sampler
        self.share = share(recipe.sampler.persons, recipe.sampler.images_per_person, processes.rank, processes.count)
        self.labels = torch.from_numpy(data.labels).to(data.images.device)

    def of_epoch(self, epoch: int) -> Int64[np.ndarray, "batches pk"]:
        """Places of the images of all batches of an epoch (0-based)."""
        drawn_for = epoch if self.recipe.sampler.shuffle else 0
        return self.sampler.epoch(generator(self.recipe.seed, Purpose.SAMPLING, drawn_for))

    def ready(
        self, epoch: int, batches: Int64[np.ndarray, "batches pk"], first: int = 0
    ) -> Generator[tuple[Float32[Tensor, "b 3 h w"], Int64[Tensor, " b"]], None, None]:
        """What this process learns from in an epoch's batches, from the one numbered `first` on: images and classes.

        Raises:
            ImageError: an image that is read only now cannot be read.
        """
        augmentation, preprocess = self.recipe.augmentation, self.recipe.preprocess
        own = list(batches[first:, self.share])
        with contextlib.closing(self.data.images.batches(own)) as images:
            for iteration, (places, pixels) in enumerate(zip(own, images, strict=True), first):
                rng = generator(self.recipe.seed, Purpose.AUGMENTATION, epoch, iteration)
                draws = draw(augmentation, batches.shape[1], preprocess, rng).of(self.share)
                labels = self.labels[send(torch.from_numpy(places), self.labels.device)]
                yield augment(pixels, draws, augmentation, preprocess), labels


def share(persons: int, images_per_person: int, rank: int, count: int) -> Int64[np.ndarray, " b"]:
    """Places within a P×K batch, person by person, that one process learns from.

    Each takes the same number of persons, one after another, with all their images; none is taken twice or left over.

    Args:
        persons: P.
        images_per_person: K.
        rank: the process, 0 to count - 1.
        count: how many processes there are.

    Raises:
        UsageError: the persons cannot be shared equally, or a process would be left with a single image.
    """
    fewest = count * ceil(2 / images_per_person)
    if persons % count or persons < fewest:
        nearest = max(fewest, round(persons / count) * count)
        raise UsageError(
            f"a batch of {persons} persons × {images_per_person} images cannot be shared by {count} processes",
            expected=f"a multiple of {count} persons, {fewest} or more: each process needs at least 2 images",
            got=f"sampler.persons={persons}",
            cure=f"-o sampler.persons={nearest}, or start another number of processes",
        )
    images = persons // count * images_per_person
    return np.arange(rank * images, (rank + 1) * images)
