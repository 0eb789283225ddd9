"""Keeping some persons out of training, for datasets that do not say whom to evaluate on."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from reseen.datasets.manifest import DISTRACTOR, JUNK, Manifest, Sample, Split
from reseen.errors import DatasetError

MIN_PERSONS = 2
"""Fewest persons on either side: one alone can neither be confused with another nor told apart from one."""


def hold_out(manifest: Manifest, fraction: float) -> Manifest:
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
    held_out = _choose({s.person for s in manifest.samples} - {JUNK, DISTRACTOR}, fraction) if fraction else set()
    samples = [replace(s, split=split) for s in manifest.samples for split in _splits(s, held_out)]
    return replace(manifest, samples=tuple(samples))


def _splits(sample: Sample, held_out: set[str]) -> tuple[Split, ...]:
    if sample.person in (JUNK, DISTRACTOR):
        return ("gallery",)
    return ("query", "gallery") if sample.person in held_out else ("train",)


def _choose(persons: set[str], fraction: float) -> set[str]:
    if len(persons) < 2 * MIN_PERSONS:
        raise DatasetError(
            "the dataset has too few persons to keep some out of training",
            expected=f"at least {2 * MIN_PERSONS} persons",
            got=f"{len(persons)}",
            cure="add persons, or name the parts with a split column (train, query, gallery)",
        )
    ranked = sorted(persons, key=_share)
    chosen = sum(_share(person) < fraction for person in ranked)
    return set(ranked[: min(max(chosen, MIN_PERSONS), len(ranked) - MIN_PERSONS)])


def _share(person: str) -> float:
    """A number in 0..1 that depends on the name alone, evenly spread over names."""
    return int.from_bytes(hashlib.sha256(person.encode()).digest()[:6]) / 2**48
