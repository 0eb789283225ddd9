"""`Embedded`: what became of some images, and the loop that goes through batches of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from reseen.errors import FeaturesError, ImageError, UsageError
from reseen.map_ahead import OnProgress
from reseen.shapes import Float32

MOST_OFF_UNIT = 0.01
"""By how much the length of a feature may differ from 1; half precision reaches 0.001."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """What became of some images: features of those that could be read, errors of the others.

    Iterating gives pairs of a name and a feature; the length is the number of features.

    Examples:
        >>> import numpy as np, reseen
        >>> with reseen.load() as embedder:
        ...     embedded = embedder.embed_each([np.zeros((128, 64, 3), np.uint8), b"torn"])
        >>> embedded.names, len(embedded)
        (('image 0',), 1)
        >>> print(embedded.broken["image 1"].short)
        image 1 is not an image that can be read: a file that begins with b'torn'

    Attributes:
        names: of the images that were embedded, in their order: paths, or `image 3` for the fourth that was given.
        features: (n, d) float32 of unit norm, one row a name.
        broken: errors of the other images, by their names.
        looks: what the images look like, as `reseen.images.looks` tells it; None of features alone.
        feature_space: which features these can be compared with; None where that is not known.
    """

    names: tuple[str, ...]
    features: Float32[np.ndarray, "n d"]
    broken: dict[str, ImageError]
    looks: Float32[np.ndarray, "n 6"] | None = None
    feature_space: str | None = None

    @property
    def tried(self) -> int:
        """Images that were read or could not be."""
        return len(self.names) + len(self.broken)

    def require_space(self, feature_space: str) -> None:
        """Refuse features that another model made.

        Raises:
            FeaturesError: they cannot be compared with those of this feature space.
        """
        if self.feature_space not in {None, feature_space}:
            raise FeaturesError(
                "features of different models cannot be compared",
                expected=f"features of the space {feature_space[:12]}",
                got=f"{self!r} of {str(self.feature_space)[:12]}",
                cure="embed these images with this model",
            )

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[tuple[str, Float32[np.ndarray, " d"]]]:
        return iter(zip(self.names, self.features, strict=True))

    def __repr__(self) -> str:
        broken = f", {len(self.broken):,} broken" if self.broken else ""
        return f"Embedded({len(self):,} features of {self.features.shape[1]} numbers{broken})"


def reported(
    batches: Iterable[Embedded], total: int, progress: OnProgress | None, *, done: int = 0
) -> Iterator[Embedded]:
    """The batches as they come; after each, when the caller asks for the next, `progress` hears of it.

    Args:
        batches: as `Embedder.stream` gives them.
        total: images there are.
        progress: told how many images are done, and how many there are.
        done: images that were done before.
    """
    for batch in batches:
        yield batch
        done += batch.tried
        if progress is not None:
            progress(done, total)


def gather(batches: Iterable[Embedded], images: int, feature_size: int) -> Embedded:
    """All batches as one.

    Args:
        batches: of the same model.
        images: most that they hold.
        feature_size: d, the numbers in a feature.
    """
    names: list[str] = []
    feature_space: str | None = None
    broken: dict[str, ImageError] = {}
    features = np.empty((images, feature_size), dtype=np.float32)
    looks: list[Float32[np.ndarray, "_ 6"]] = []
    for batch in batches:
        feature_space = batch.feature_space
        features[len(names) : len(names) + len(batch)] = batch.features
        names += batch.names
        broken |= batch.broken
        looks += [] if batch.looks is None else [batch.looks]
    seen = np.concatenate(looks) if looks else None
    whole = seen is not None and len(seen) == len(names)
    return Embedded(tuple(names), features[: len(names)], broken, seen if whole else None, feature_space)


def require_features(features: np.ndarray, size: int) -> None:
    """Refuse rows that are no features of a model.

    Args:
        features: an array of floats.
        size: d, the numbers in a feature of the model.

    Raises:
        UsageError: another shape than (n, d), or rows that are not of unit length.
    """
    fits = features.ndim == 2 and features.shape[1] == size
    if not fits or not (abs(np.linalg.norm(features, axis=1) - 1) < MOST_OFF_UNIT).all():
        raise UsageError(
            "these are no features of this model",
            expected=f"(n, {size}) of unit length, as `embed` gives them",
            got=f"{features.shape}{', not all of unit length' if fits else ''}",
            cure="embed the images with this model; pixels are uint8",
        )
