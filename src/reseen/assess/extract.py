"""Images on disk → features in memory, decoding ahead of the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from reseen.images.decode import decode_image
from reseen.map_ahead import map_ahead
from reseen.shapes import Float32, UInt8

Progress = Callable[[str, int, int], None]
"""Told the name of a stage, how many images or rows of scores are done, and how many there are."""

THREADS = min(4, os.cpu_count() or 1)
BATCHES_AHEAD = THREADS + 1


@runtime_checkable
class EmbedsImages(Protocol):
    """A live network, or a loaded bundle."""

    batch_size: int
    """Images that go through it at a time."""

    @property
    def feature_size(self) -> int:
        """d, the numbers in a feature."""
        ...

    def embed(self, images: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "n d"]:
        """Unit-norm features of RGB images of any sizes."""
        ...


@runtime_checkable
class Extract(Protocol):
    """`extract_features`, or what does the same in another way."""

    def __call__(
        self, embedder: EmbedsImages, paths: Sequence[Path], progress: Progress | None, stage: str, /
    ) -> Float32[np.ndarray, "n d"]:
        """Unit-norm features of image files, in their order."""
        ...


def extract_features(
    embedder: EmbedsImages, paths: Sequence[Path], progress: Progress | None = None, stage: str = "features"
) -> Float32[np.ndarray, "n d"]:
    """Unit-norm features of image files, in their order.

    Threads decode a few batches ahead, so that the network does not wait and memory stays bounded.

    Raises:
        ImageError: an image cannot be read; it names the path.
    """
    features = np.empty((len(paths), embedder.feature_size), dtype=np.float32)
    done = 0
    with closing(map_ahead(_decode, paths, size=embedder.batch_size, threads=THREADS)) as decoded:
        for images in decoded:
            features[done : done + len(images)] = embedder.embed(images)
            done += len(images)
            if progress is not None:
                progress(stage, done, len(paths))
    return features


def _decode(paths: Sequence[Path]) -> list[np.ndarray]:
    return [decode_image(path) for path in paths]
