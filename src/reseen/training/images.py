"""Where the training images are, and how batches of them come to the device that trains."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from reseen.map_ahead import map_ahead
from reseen.models.transfer import send
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
