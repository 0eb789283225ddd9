"""`Plan`: how large a synthetic dataset is, and every image it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Split
from reseen.errors import UsageError

LIMITS: dict[str, tuple[int, int]] = {
    "persons": (2, 5000),
    "test_persons": (2, 4999),
    "cameras": (2, 6),
    "images_per_camera": (2, 50),
    "distractors": (0, 20_000),
    "junk": (0, 20_000),
    "seed": (0, 2**63 - 1),
    "height": (32, 512),
    "width": (16, 256),
}
"""Smallest and largest value of each field of a `Plan`; Market-1501's names hold six cameras and 9,999 persons."""

IMAGE_LIMIT = 200_000
"""Most images that a dataset may have."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One image to take.

    Attributes:
        split: the part it belongs to.
        name: the person as its file name says.
        person: the number of the person drawn; distractors and junk have persons of their own.
        camera: the number of the camera, from 0.
    """

    split: Split
    name: str
    person: int
    camera: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a synthetic dataset is.

    Training and test people are different people, and each passes every camera. Of a test person's images from one
    camera, the first is a query and the others are in the gallery, so every query has matches from other cameras.

    Attributes:
        persons: training people.
        test_persons: test people.
        cameras: cameras; each has its own viewpoint, scene, light, colours, sharpness and noise.
        images_per_camera: images of each person from each camera.
        distractors: gallery images of other people (person `0000`).
        junk: false detections in the gallery (person `-1`).
        seed: decides everything that is random.
        height: of the images, pixels.
        width: of the images, pixels.
        easy: whether a model that knows photographs alone is to find these people: all cameras stand around one
            square in one light, nothing is in the way, and everybody is dressed differently.

    Raises:
        UsageError: a value is out of bounds (`LIMITS`), or there would be more than `IMAGE_LIMIT` images.
    """

    persons: int = 64
    test_persons: int = 32
    cameras: int = 4
    images_per_camera: int = 3
    distractors: int = 48
    junk: int = 24
    seed: int = 0
    height: int = 128
    width: int = 64
    easy: bool = False

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(
                    f"{name} is out of bounds",
                    expected=f"{low} to {high}",
                    got=str(value),
                    cure=f"choose another number for {name}",
                )
        if self.images > IMAGE_LIMIT:
            raise UsageError(
                "the dataset would be too large",
                expected=f"at most {IMAGE_LIMIT} images",
                got=f"{self.images} images",
                cure="ask for fewer people, cameras or images per camera",
            )

    @property
    def images(self) -> int:
        """Images of the whole dataset, junk included."""
        known = self.persons + self.test_persons
        return known * self.cameras * self.images_per_camera + self.distractors + self.junk

    def shots(self) -> Iterator[Shot]:
        """Every image to take, in a fixed order."""
        known = self.persons + self.test_persons
        for person in range(known):
            for camera in range(self.cameras):
                for image in range(self.images_per_camera):
                    part: Split = "train" if person < self.persons else "query" if image == 0 else "gallery"
                    yield Shot(part, f"{person + 1:04d}", person, camera)
        for extra in range(self.distractors + self.junk):
            name = DISTRACTOR_NAME if extra < self.distractors else JUNK_NAME
            yield Shot("gallery", name, known + extra, extra % self.cameras)
