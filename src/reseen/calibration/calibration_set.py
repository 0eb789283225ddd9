"""`CalibrationSet`: people who are kept out of training and out of every report, to calibrate on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reseen.calibration.usual import Usual
from reseen.errors import FeaturesError
from reseen.scores.labels import DISTRACTOR, UNKNOWN_CAMERA, Labels
from reseen.scores.normalise import unit_rows
from reseen.shapes import Bool, Float, Float32, Int64, Integer

MIN_PEOPLE = 3
"""Two to be confused, and one more to be left out."""


@dataclass(frozen=True, eq=False)
class CalibrationSet:
    """Features of held-out people, sorted by person; made by `CalibrationSet.of`.

    Attributes:
        name: what to call the set wherever its rates are told.
        features: unit-norm rows.
        persons: > 0.
        cameras: ≥ 0, or -1 when unknown.
        usual: what the images look like; None where only their features are known.
    """

    name: str
    features: Float32[np.ndarray, "n d"]
    persons: Int64[np.ndarray, " n"]
    cameras: Int64[np.ndarray, " n"]
    usual: Usual | None = None

    @classmethod
    def of(
        cls,
        name: str,
        features: Float[np.ndarray, "n d"],
        persons: Integer[np.ndarray, " _"],
        cameras: Integer[np.ndarray, " _"] | None = None,
    ) -> CalibrationSet:
        """Check raw features, leave out junk and distractors, and normalise the rest.

        Raises:
            FeaturesError: lengths that disagree, a row without direction, a code below -1, fewer than `MIN_PEOPLE`
                people.
        """
        labels = Labels.of(name, len(features), persons, cameras, None)
        keep = labels.persons > DISTRACTOR
        people = len(np.unique(labels.persons[keep]))
        if people < MIN_PEOPLE:
            raise FeaturesError(
                f"{name} holds too few people to calibrate on",
                expected=f"at least {MIN_PEOPLE}, and hundreds for rates that mean something",
                got=str(people),
                cure="keep more people out of training: data.calibration_share",
            )
        kept = labels.kept(keep)
        order = np.argsort(kept.persons, kind="stable")
        return cls(name, unit_rows(features, keep, name)[order], kept.persons[order], kept.cameras[order])

    def of_people(self, name: str, kept: Bool[np.ndarray, " people"]) -> CalibrationSet:
        """Some of the people, with all of their images.

        Args:
            name: what to call them.
            kept: which of the people, in their order.
        """
        rows = kept[self.owners]
        return CalibrationSet(name, self.features[rows], self.persons[rows], self.cameras[rows])

    @cached_property
    def starts(self) -> Int64[np.ndarray, " people"]:
        """The first row of each person."""
        return np.flatnonzero(np.diff(self.persons, prepend=-1))

    @cached_property
    def owners(self) -> Int64[np.ndarray, " n"]:
        """The person of each row, as a number from 0."""
        return np.cumsum(np.diff(self.persons, prepend=self.persons[0]) != 0)

    @property
    def people(self) -> int:
        """How many people there are."""
        return len(self.starts)

    @property
    def cameras_known(self) -> bool:
        """Whether any camera is known; if not, any two images are compared."""
        return bool((self.cameras != UNKNOWN_CAMERA).any())

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over the rows of `features`, then over `persons` and `cameras`, little-endian."""
        digest = hashlib.sha256(self.features.astype("<f4", copy=False).tobytes())
        for codes in (self.persons, self.cameras):
            digest.update(codes.astype("<i8", copy=False).tobytes())
        return digest.hexdigest()
