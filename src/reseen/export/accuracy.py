"""What quantisation costs, and the gate that refuses what costs too much."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from reseen.bundle.description import Accuracy
from reseen.export.parity import Run
from reseen.images.preprocess import Preprocess


@dataclass(frozen=True, eq=False)
class QuantisationImages:
    """Images at the preprocess size.

    Attributes:
        quantise: those that ranges are taken from.
    """

    quantise: UInt8[np.ndarray, "n h w 3"]


def read_quantisation_images(path: Path, preprocess: Preprocess) -> QuantisationImages:
    raise NotImplementedError


def measure_accuracy(network: Run, model: Run, images: QuantisationImages) -> Accuracy:
    raise NotImplementedError


def require_accuracy(accuracy: Accuracy, name: str) -> None:
    raise NotImplementedError
