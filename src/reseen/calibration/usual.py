"""`Usual`: what the images that a calibration was measured on look like, so that no rate is told of others.

Two things are learnt. *Looks*: between which bounds brightness, contrast, colour, sharpness, height and aspect of
almost all images lie. *Directions*: of the model's features, along which copies that were turned upside down, or cut
in half, differ from the images themselves: Fisher's linear discriminant ("The use of multiple measurements in
taxonomic problems", 1936), with a shrunk covariance. An image outside of any bound is unlike those that were
calibrated on. Each bound leaves out so few of these that all bounds together hold back less than 1 image in 100.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reseen.images.looks import LOOKS
from reseen.shapes import Float32, Float64
from reseen.strict import Strict

LEFT_OUT = 3e-4
"""Share of the images outside of each bound of their looks."""
LEFT_OUT_BY_DIRECTION = 2e-4
SHAPE_SLACK = 1.5
"""How many times lower than any image, or narrower or wider, one may be: shapes are alike within a dataset, and a
detector's crops are not."""
SHRINKAGE = 1e-2
"""Share of the mean variance that is added to each feature's."""
IMAGES_A_DIMENSION = 25
"""Fewest images for each number of a feature: directions of fewer fit these images, and not others."""
DIGITS = 5

_WORDS = {
    "brightness": ("darker", "brighter"),
    "contrast": ("of less contrast", "of more contrast"),
    "colour": ("less colourful", "more colourful"),
    "sharpness": ("more blurred", "noisier"),
    "height": ("smaller", "larger"),
    "aspect": ("narrower for its height", "wider for its height"),
}


class Direction(Strict):
    """A direction of features along which altered images lie.

    Attributes:
        weights: d numbers, whose product with a feature is compared.
        most: of the images themselves, nearly all lie below.
    """

    weights: tuple[float, ...]
    most: float


class Usual(Strict):
    """Bounds of what was calibrated on.

    Attributes:
        looks: the low and the high bound of each of `LOOKS`.
        directions: by what altered images are, in words.
    """

    looks: dict[str, tuple[float, float]]
    directions: dict[str, Direction]

    def differences(self, looks: Float32[np.ndarray, "n 6"], features: Float32[np.ndarray, "n d"]) -> list[str | None]:
        """How each image differs from those that were calibrated on, in words; None where it does not."""
        found: list[str | None] = [None] * len(looks)
        for words, outside in self._outside(looks, features):
            for place in np.flatnonzero(outside):
                found[place] = found[place] or words
        return found

    def _outside(
        self, looks: Float32[np.ndarray, "n 6"], features: Float32[np.ndarray, "n d"]
    ) -> list[tuple[str, np.ndarray]]:
        checks = []
        for column, name in enumerate(LOOKS):
            low, high = self.looks[name]
            for word, outside in zip(_WORDS[name], (looks[:, column] < low, looks[:, column] > high), strict=True):
                checks.append((f"{word} than the images this was calibrated on", outside))
        for words, direction in self.directions.items():
            along = features @ np.array(direction.weights, dtype=np.float32)
            checks.append((f"{words}, unlike the images this was calibrated on", along > direction.most))
        return checks


def usual_of(
    looks: Float32[np.ndarray, "n 6"],
    features: Float32[np.ndarray, "n d"],
    altered: Mapping[str, Float32[np.ndarray, "_ d"]],
) -> Usual:
    """Learn what images look like.

    Args:
        looks: of the images, as `looks_of` makes them; at least one.
        features: of the images.
        altered: features of altered copies, by what these are, in words.
    """
    bounds = np.quantile(looks.astype(np.float64), [LEFT_OUT, 1 - LEFT_OUT], axis=0)
    for name in ("height", "aspect"):
        column = LOOKS.index(name)
        bounds[:, column] = looks[:, column].min() / SHAPE_SLACK, looks[:, column].max() * SHAPE_SLACK
    # A large image is made small before the network sees it, and is none the worse for it.
    bounds[1, LOOKS.index("height")] = 1e9
    enough = len(features) >= IMAGES_A_DIMENSION * features.shape[1]
    return Usual(
        looks={name: (_rounded(low), _rounded(high)) for name, low, high in zip(LOOKS, *bounds, strict=True)},
        directions={words: _direction(features, other) for words, other in altered.items()} if enough else {},
    )


def _direction(own: Float32[np.ndarray, "n d"], altered: Float32[np.ndarray, "m d"]) -> Direction:
    """Fisher's: the inverse of the covariance within both, times the difference of their means."""
    own64, other = own.astype(np.float64), altered.astype(np.float64)
    means = own64.mean(axis=0), other.mean(axis=0)
    within: Float64[np.ndarray, "d d"] = np.cov(own64.T) + np.cov(other.T)
    within[np.diag_indices_from(within)] += SHRINKAGE * np.trace(within) / len(within)
    weights = np.linalg.solve(within, means[1] - means[0])
    kept = np.array([_rounded(each) for each in weights / np.linalg.norm(weights)])
    most = np.quantile(own64 @ kept, 1 - LEFT_OUT_BY_DIRECTION)
    return Direction(weights=tuple(kept.tolist()), most=_rounded(most))


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
