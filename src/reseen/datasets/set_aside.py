"""Keeping some training persons out of training, to calibrate on: they are neither trained on nor reported."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from reseen.datasets.choose_persons import choose_persons
from reseen.datasets.manifest import DISTRACTOR_NAME, Manifest, Split

MIN_CALIBRATED, MIN_TRAINED = 3, 2
"""Fewest persons on either side."""
NOBODY = "nobody"
"""What `people_hash` says of no people."""


@dataclass(frozen=True)
class SetAside:
    """A dataset without the persons to calibrate on, and these persons.

    Attributes:
        rest: the dataset, its query and gallery as they were.
        calibration: the persons' training images, each as query and in the gallery, with the same path; empty when
            nobody is set aside.
    """

    rest: Manifest
    calibration: Manifest


def people_hash(people: Manifest) -> str:
    """Who the people to calibrate on are, as weights and bundles carry it: SHA-256 over their sorted names."""
    persons = sorted({sample.person for sample in people.samples} - {DISTRACTOR_NAME})
    return hashlib.sha256("\n".join(persons).encode()).hexdigest() if persons else NOBODY


def set_aside(manifest: Manifest, fraction: float) -> SetAside:
    """Take about `fraction` of the training persons out of training, the same ones every time.

    Args:
        manifest: a dataset that names its parts; see `hold_out`.
        fraction: share of the training persons, 0..1; with 0 nobody is set aside.

    Raises:
        DatasetError: fewer than five training persons.
    """
    persons = {sample.person for sample in manifest.split("train")} - {DISTRACTOR_NAME}
    chosen = (
        choose_persons(persons, fraction, fewest=MIN_CALIBRATED, fewest_left=MIN_TRAINED, purpose="calibration of ")
        if fraction
        else frozenset()
    )
    taken = [sample for sample in manifest.split("train") if sample.person in chosen]
    rest = tuple(s for s in manifest.samples if s.split != "train" or s.person not in chosen)
    both: tuple[Split, ...] = ("query", "gallery")
    return SetAside(
        rest=replace(manifest, samples=rest),
        calibration=replace(
            manifest,
            name=f"{len(chosen)} people set aside from {manifest.name}",
            samples=tuple(replace(sample, split=split) for sample in taken for split in both),
        ),
    )
