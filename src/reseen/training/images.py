"""Where the training images are, and how batches of them come to the device that trains."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from reseen.datasets.image_files import ImageFiles, load_images
from reseen.map_ahead import OnStage, map_ahead
from reseen.models.transfer import send
from reseen.recipe.schema import Recipe
from reseen.shapes import Int64, UInt8


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
