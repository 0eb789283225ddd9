"""What the images of a calibration look like, and features of altered copies of some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from reseen.assess.extract import EmbedsFiles, Progress
from reseen.calibration.usual import Usual, usual_of
from reseen.images.decode import decode_image
from reseen.images.looks import looks_of
from reseen.images.preprocess import Preprocess
from reseen.images.resize import fit
from reseen.shapes import Float32, UInt8

MOST_ALTERED = 2000
"""Images that are altered, or a few for each number of a feature."""
BATCH = 32
STAGE = "looks"

_Alter = Callable[[UInt8[np.ndarray, "h w 3"]], UInt8[np.ndarray, "_ w 3"]]
ALTERED: dict[str, _Alter] = {
    "upside down": lambda pixels: np.ascontiguousarray(pixels[::-1, ::-1]),
    "the upper half of a person": lambda pixels: pixels[: len(pixels) // 2],
    "the lower half of a person": lambda pixels: pixels[len(pixels) // 2 :],
}
"""What is done to images, by what they are then, in words."""


@runtime_checkable
class EmbedsImages(Protocol):
    """A live network, or a loaded bundle."""

    @property
    def preprocess(self) -> Preprocess:
        """How an image becomes the network's input."""
        ...

    def embed(self, images: list[np.ndarray]) -> Float32[np.ndarray, "n d"]:
        """Unit-norm features of RGB images."""
        ...


def learn_usual(
    embedder: EmbedsFiles,
    paths: Sequence[Path],
    features: Float32[np.ndarray, "n d"],
    progress: Progress | None = None,
) -> Usual | None:
    """What images look like; None where it is not known how they become the network's input.

    Args:
        embedder: of the features.
        paths: of the images.
        features: of the images.
        progress: told how many images have been looked at.

    Raises:
        ImageError: an image cannot be read.
    """
    if not isinstance(embedder, EmbedsImages):
        return None
    preprocess = embedder.preprocess
    most = max(MOST_ALTERED, 5 * features.shape[1])
    few = set(np.linspace(0, len(paths) - 1, min(most, len(paths))).astype(int).tolist())
    looks: list[Float32[np.ndarray, "_ 6"]] = []
    altered: dict[str, list[Float32[np.ndarray, "_ d"]]] = {words: [] for words in ALTERED}
    waiting: list[np.ndarray] = []
    for number, path in enumerate(paths):
        image = decode_image(path)
        pixels = fit(image, preprocess)
        looks.append(looks_of(pixels[None], [image.shape[:2]]))
        if number in few:
            waiting.append(pixels)
        if len(waiting) == BATCH or (waiting and number == len(paths) - 1):
            for words, alter in ALTERED.items():
                altered[words].append(embedder.embed([fit(alter(each), preprocess) for each in waiting]))
            waiting.clear()
        if progress is not None:
            progress(STAGE, number + 1, len(paths))
    return usual_of(np.concatenate(looks), features, {words: np.concatenate(each) for words, each in altered.items()})
