"""Images at the preprocess size, and what became of those that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reseen.engines.inputs import Input
from reseen.errors import ImageError
from reseen.images.preprocess import Preprocess
from reseen.images.resize import fit
from reseen.shapes import UInt8


@dataclass(frozen=True, eq=False)
class Batch:
    """Some of the inputs, ready for the engine.

    Attributes:
        names: of those that could be read, in their order.
        pixels: (n, h, w, 3), their RGB pixels at the preprocess size; none when no image could be read.
        broken: why the others could not, by their names.
    """

    names: tuple[str, ...]
    pixels: UInt8[np.ndarray, "n h w 3"]
    broken: dict[str, ImageError]


def prepare(inputs: Sequence[Input], preprocess: Preprocess) -> Batch:
    """Decode and resize some images."""
    pixels = np.empty((len(inputs), preprocess.height, preprocess.width, 3), dtype=np.uint8)
    names: list[str] = []
    broken: dict[str, ImageError] = {}
    for each in inputs:
        try:
            pixels[len(names)] = fit(each.decode(), preprocess)
        except ImageError as error:
            broken[each.name] = error
        else:
            names.append(each.name)
    return Batch(tuple(names), pixels[: len(names)], broken)
