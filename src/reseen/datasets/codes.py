"""Samples → the codes that the protocol works with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Sample
from reseen.scores.labels import DISTRACTOR, JUNK, UNKNOWN_CAMERA, Labels


@dataclass(frozen=True)
class Codes:
    """What the codes of some samples stand for.

    Attributes:
        persons: person `code - 1`, sorted; distractors and junk have codes of their own.
        cameras: camera `code`, sorted.
        paths: the file of each image id, in the order in which they first appear.
    """

    persons: tuple[str, ...]
    cameras: tuple[str, ...]
    paths: tuple[Path, ...]

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Codes:
        """Number whom the samples show, their cameras and their files."""
        samples = tuple(samples)
        return cls(
            persons=tuple(sorted({sample.person for sample in samples} - {DISTRACTOR_NAME, JUNK_NAME})),
            cameras=tuple(sorted({sample.camera for sample in samples if sample.camera is not None})),
            paths=tuple(dict.fromkeys(sample.path for sample in samples)),
        )

    def labels(self, name: str, samples: Sequence[Sample]) -> Labels:
        """Codes of samples that were all numbered; `name` is for errors."""
        persons = {person: code for code, person in enumerate(self.persons, start=1)}
        persons |= {DISTRACTOR_NAME: DISTRACTOR, JUNK_NAME: JUNK}
        cameras: dict[str | None, int] = {camera: code for code, camera in enumerate(self.cameras)}
        cameras[None] = UNKNOWN_CAMERA
        images = {path: code for code, path in enumerate(self.paths)}
        return Labels(
            name,
            persons=np.array([persons[sample.person] for sample in samples], dtype=np.int64),
            cameras=np.array([cameras[sample.camera] for sample in samples], dtype=np.int64),
            images=np.array([images[sample.path] for sample in samples], dtype=np.int64),
        )
