"""Keeping people out of training, chosen by a hash of their names: for evaluation, and to calibrate on."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace

from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest, Sample, Split
from reseen.errors import DatasetError


def choose_persons(
    persons: Collection[str], fraction: float, *, fewest: int, fewest_left: int, purpose: str = ""
) -> frozenset[str]:
    """About `fraction` of the persons, chosen by the SHA-256 of their names.

    A person stays chosen, or not, when others join. (Where that leaves too few on a side, the next ones by hash change
    sides.)

    Args:
        persons: all of them.
        fraction: share to choose, 0..1.
        fewest: how many are chosen at least.
        fewest_left: how many are not chosen at least.
        purpose: choices for different purposes do not depend on each other.

    Raises:
        DatasetError: there are fewer than `fewest` + `fewest_left` persons.
    """
    if len(persons) < fewest + fewest_left:
        raise DatasetError(
            "the dataset has too few people to keep some out of training",
            expected=f"at least {fewest + fewest_left} people",
            got=f"{len(persons)}",
            cure="add people, or name the parts with a split column (train, query, gallery)",
        )
    shares = {person: _share(purpose + person) for person in persons}
    ranked = sorted(persons, key=shares.__getitem__)
    chosen = sum(share < fraction for share in shares.values())
    return frozenset(ranked[: min(max(chosen, fewest), len(ranked) - fewest_left)])


def _share(name: str) -> float:
    """A number in 0..1 that depends on the name alone, evenly spread over names."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / 2**48


MIN_PERSONS = 2
"""Fewest persons on either side: one alone can neither be confused with another nor told apart from one."""


def hold_out_for_evaluation(manifest: Manifest, fraction: float) -> Manifest:
    """Divide a dataset that names no parts into training, query and gallery.

    About `fraction` of the persons, chosen by the SHA-256 of their names, are kept out of training: a person stays
    where it is when others join. (Where that leaves fewer than `MIN_PERSONS` on a side, the next ones by hash change
    sides.) Each image of theirs appears twice, as query and in the gallery, with the same path: the evaluation leaves
    a query's own image out. Distractors and junk go to the gallery.

    Args:
        manifest: the dataset; one that has parts is returned as it is.
        fraction: share of the persons to keep out, 0..1; with 0 all are for training.

    Raises:
        DatasetError: fewer than `MIN_PERSONS` persons for each side.
    """
    if manifest.has_splits:
        return manifest
    persons = {sample.person for sample in manifest.samples} - {JUNK_NAME, DISTRACTOR_NAME}
    held_out = (
        choose_persons(persons, fraction, fewest=MIN_PERSONS, fewest_left=MIN_PERSONS) if fraction else frozenset()
    )
    samples = [replace(s, split=split) for s in manifest.samples for split in _splits(s, held_out)]
    return replace(manifest, samples=tuple(samples))


def _splits(sample: Sample, held_out: frozenset[str]) -> tuple[Split, ...]:
    if sample.person in (JUNK_NAME, DISTRACTOR_NAME):
        return ("gallery",)
    return ("query", "gallery") if sample.person in held_out else ("train",)


MIN_CALIBRATED, MIN_TRAINED = 3, 2
"""Fewest persons on either side."""
NOBODY = "nobody"
"""What `people_hash` says of no people."""


@dataclass(frozen=True)
class CalibrationSplit:
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


def hold_out_for_calibration(manifest: Manifest, fraction: float) -> CalibrationSplit:
    """Take about `fraction` of the training persons out of training, the same ones every time.

    Args:
        manifest: a dataset that names its parts; see `hold_out_for_evaluation`.
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
    return CalibrationSplit(
        rest=replace(manifest, samples=rest),
        calibration=replace(
            manifest,
            name=f"{len(chosen)} people set aside from {manifest.name}",
            samples=tuple(replace(sample, split=split) for sample in taken for split in both),
        ),
    )
