"""The training images, where memory for them is; and batches of them, changed at random, on the device that trains."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from reseen.datasets.image_files import ImageFiles, load_images
from reseen.datasets.sampler import PKSampler
from reseen.errors import UsageError
from reseen.map_ahead import OnStage, map_ahead
from reseen.models.preprocessing import send
from reseen.recipe.schema import Recipe
from reseen.shapes import Float32, Int64, UInt8
from reseen.training.augmentation import augment, draw
from reseen.training.processes import Processes
from reseen.training.randomness import Purpose, generator


@runtime_checkable
class Images(Protocol):
    """Images of one size, as 8-bit RGB."""

    @property
    def device(self) -> torch.device:
        """Where batches of them are given."""
        ...

    def batches(self, places: Sequence[Int64[np.ndarray, " b"]]) -> Generator[UInt8[Tensor, "b h w 3"], None, None]:
        """The images at the places of one batch after the other; closing it ends what it does ahead."""
        ...


@dataclass(frozen=True, eq=False)
class ResidentImages:
    """Images that are all on the device that trains.

    Attributes:
        pixels: the images.
    """

    pixels: UInt8[Tensor, "n h w 3"]

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return self.pixels.device

    def batches(self, places: Sequence[Int64[np.ndarray, " b"]]) -> Generator[UInt8[Tensor, "b h w 3"], None, None]:
        """The images at the places of one batch after the other."""
        for batch in places:
            yield self.pixels[send(torch.from_numpy(batch), self.device)]


@dataclass(frozen=True, eq=False)
class ImagesReadAhead:
    """Images that are read while the device computes: from the host's memory, or from their files.

    Attributes:
        read: gives the images at some places; called in threads.
        device: where they are wanted.
        threads: how many batches are read at the same time; one more than these are ready ahead at most.
    """

    read: Callable[[Int64[np.ndarray, " b"]], UInt8[np.ndarray, "b h w 3"]]
    device: torch.device
    threads: int = 1

    def batches(self, places: Sequence[Int64[np.ndarray, " b"]]) -> Generator[UInt8[Tensor, "b h w 3"], None, None]:
        """The images at the places of one batch after the other.

        Raises:
            ImageError: an image cannot be read; it comes when its batch is asked for.
        """
        with contextlib.closing(map_ahead(self._ready, places, size=1, threads=self.threads)) as ready:
            for batch in ready:
                yield send(batch, self.device)

    def _ready(self, part: Sequence[Int64[np.ndarray, " b"]]) -> UInt8[Tensor, "b h w 3"]:
        (places,) = part
        return torch.from_numpy(self.read(places))


READING_THREADS = min(8, os.cpu_count() or 1)
SHARE_OF_DEVICE = 0.25
"""Of an accelerator's free memory, at most this is taken by images: the network's maps need the rest."""


def hold_images(
    paths: Sequence[Path], recipe: Recipe, device: torch.device, progress: OnStage | None = None
) -> tuple[Images, str]:
    """The training images, decoded where the memory for it is there; and where they are, in words.

    Every way gives the same batches of the same pixels.

    Args:
        paths: the image files.
        recipe: says their size, and how much of the host's memory they may take.
        device: the device that trains.
        progress: told about reading them.

    Raises:
        DatasetError: there is no image.
        ImageError: an image cannot be read. Of images that stay in their files, only the headers are read now.
    """
    files = ImageFiles.of(paths, recipe.preprocess.height, recipe.preprocess.width)
    size = f"{files.decoded_bytes / 1e6:.1f} MB of training images"
    limit = recipe.data.memory_limit_gb
    if files.decoded_bytes > limit * 1e9:
        told = f"{size} are read as they are needed: data.memory_limit_gb is {limit:g}"
        return ImagesReadAhead(files.read, device, READING_THREADS), told
    pixels = load_images(files, progress=None if progress is None else partial(progress, "reading"))
    if fit(pixels.nbytes, device):
        return ResidentImages(torch.from_numpy(pixels).to(device)), f"{size} are held in memory, on {device}"
    return ImagesReadAhead(partial(np.take, pixels, axis=0), device), f"{size} are held in the host's memory"


def fit(size: int, device: torch.device) -> bool:
    """Whether as many bytes may be kept on the device. What is no CUDA device shares the host's memory."""
    return device.type != "cuda" or size <= SHARE_OF_DEVICE * torch.cuda.mem_get_info(device)[0]


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
            f"a batch of {persons} people × {images_per_person} images cannot be divided among {count} processes",
            expected=f"a multiple of {count} people, {fewest} or more: each process needs at least 2 images",
            got=f"sampler.persons={persons}",
            cure=f"-o sampler.persons={nearest}, or start another number of processes",
        )
    images = persons // count * images_per_person
    return np.arange(rank * images, (rank + 1) * images)
