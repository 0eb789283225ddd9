"""`Batches`: what a run learns from, drawn and changed batch by batch."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reseen.datasets.sampler import PKSampler
from reseen.models.transfer import send
from reseen.recipe.schema import Recipe
from reseen.shapes import Float32, Int64
from reseen.training.augmentation import augment, draw
from reseen.training.images import Images
from reseen.training.processes import Processes
from reseen.training.randomness import Purpose, generator
from reseen.training.share import share


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
