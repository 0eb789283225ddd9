"""`Batches`: what a run learns from, drawn and changed batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor

from reseen.datasets.sampler import PKSampler
from reseen.datasets.share import share
from reseen.recipe.schema import Recipe
from reseen.training.augmentation import augment, draw
from reseen.training.processes import Processes
from reseen.training.randomness import Purpose, generator


@dataclass(frozen=True)
class TrainingSet:
    """What a run learns from.

    Attributes:
        images: decoded images, on the device that trains.
        labels: class of each image, 0 to persons - 1.
        paths: file of each image, for messages.
    """

    images: UInt8[Tensor, "n h w 3"]
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

    def load(
        self, epoch: int, iteration: int, batch: Int64[np.ndarray, " pk"]
    ) -> tuple[Float32[Tensor, "b 3 h w"], Int64[Tensor, " b"]]:
        """The share of a batch that this process learns from: the network's input, and the classes."""
        augmentation, preprocess = self.recipe.augmentation, self.recipe.preprocess
        draws = draw(
            augmentation, len(batch), preprocess, generator(self.recipe.seed, Purpose.AUGMENTATION, epoch, iteration)
        )
        own = torch.from_numpy(batch[self.share]).to(self.labels.device)
        images = augment(self.data.images[own], draws.of(self.share), augmentation, preprocess)
        return images, self.labels[own]
