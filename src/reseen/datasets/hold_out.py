"""Keeping some persons out of training, for datasets that do not say whom to evaluate on."""

from __future__ import annotations

from dataclasses import replace

from reseen.datasets.choose_persons import choose_persons
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest, Sample, Split

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
