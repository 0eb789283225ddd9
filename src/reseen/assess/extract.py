"""Images on disk → features in memory, by whatever embeds them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from reseen.shapes import Float32

Progress = Callable[[str, int, int], None]
"""Told the name of a stage, how many images or rows of scores are done, and how many there are."""


@runtime_checkable
class EmbedsFiles(Protocol):
    """A live network, or a loaded bundle."""

    @property
    def feature_size(self) -> int:
        """d, the numbers in a feature."""
        ...

    def embed_files(self, paths: Sequence[Path]) -> Generator[Float32[np.ndarray, "_ d"], None, None]:
        """Unit-norm features of image files in their order, some at a time.

        Files are read ahead of the network, a few batches and no more. An image that cannot be read raises ImageError.
        """
        ...


@runtime_checkable
class Extract(Protocol):
    """`extract_features`, or what does the same in another way."""

    def __call__(
        self, embedder: EmbedsFiles, paths: Sequence[Path], progress: Progress | None, stage: str, /
    ) -> Float32[np.ndarray, "n d"]:
        """Unit-norm features of image files, in their order."""
        ...


def extract_features(
    embedder: EmbedsFiles, paths: Sequence[Path], progress: Progress | None = None, stage: str = "features"
) -> Float32[np.ndarray, "n d"]:
    """Unit-norm features of image files, in their order.

    Raises:
        ImageError: an image cannot be read; it names the path.
    """
    features = np.empty((len(paths), embedder.feature_size), dtype=np.float32)
    done = 0
    with closing(embedder.embed_files(paths)) as parts:
        for part in parts:
            features[done : done + len(part)] = part
            done += len(part)
            if progress is not None:
                progress(stage, done, len(paths))
    return features
