"""Images on disk → features in memory, decoding ahead of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from reseen.images.decode import decode_image

Progress = Callable[[str, int, int], None]
"""Told the name of a stage, how many images or rows of scores are done, and how many there are."""

BATCHES_AHEAD = 3


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

    A thread decodes a few batches ahead, so that the network does not wait and memory stays bounded.

    Raises:
        ImageError: an image cannot be read; it names the path.
    """
    size = embedder.batch_size
    batches = [paths[start : start + size] for start in range(0, len(paths), size)]
    features = np.empty((len(paths), embedder.feature_size), dtype=np.float32)
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting: list[Future[list[np.ndarray]]] = [pool.submit(_decode, batch) for batch in batches[:BATCHES_AHEAD]]
        for number in range(len(batches)):
            images = waiting.pop(0).result()
            if number + BATCHES_AHEAD < len(batches):
                waiting.append(pool.submit(_decode, batches[number + BATCHES_AHEAD]))
            done = number * size + len(images)
            features[number * size : done] = embedder.embed(images)
            if progress is not None:
                progress(stage, done, len(paths))
    return features


def _decode(paths: Sequence[Path]) -> list[np.ndarray]:
    return [decode_image(path) for path in paths]
