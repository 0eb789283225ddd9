"""Several datasets: told apart by name, trained on as one, evaluated each on its own."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from reseen.datasets.holdout import hold_out_for_evaluation
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest, Sample
from reseen.errors import DatasetError, UsageError


def training_and_evaluation(
    data: Sequence[Manifest], evaluation: Sequence[Manifest], fraction: float
) -> tuple[Manifest, tuple[Manifest, ...]]:
    """What to train on, and what to evaluate on: each dataset of the latter on its own.

    Args:
        data: at least one dataset with training images.
        evaluation: datasets to evaluate on; without any, those of `data` that have query and gallery, and all of
            `data` where none has.
        fraction: share of the persons to hold out of every dataset that names no parts.

    Raises:
        DatasetError: too few persons to hold some out, or one of several datasets has no training images.
    """
    divided = [hold_out_for_evaluation(manifest, fraction) for manifest in data]
    if evaluation:
        evaluated = [hold_out_for_evaluation(manifest, fraction) for manifest in evaluation]
    else:
        evaluated = [each for each in divided if each.split("query") and each.split("gallery")] or divided
    return merge(divided), tuple(evaluated)


def merge(manifests: Sequence[Manifest]) -> Manifest:
    """One dataset of all images of several that name their parts; a single one is returned as it is.

    Persons and cameras are called NAME/person and NAME/camera, for a name in two datasets is not one person. Junk, and
    distractors outside of training, keep theirs.

    Raises:
        DatasetError: one of several has no training images.
    """
    if len(manifests) == 1:
        return manifests[0]
    for manifest in manifests:
        if not manifest.split("train"):
            raise DatasetError(
                f"{manifest.root} has no training images",
                expected="images in the train split of every --data",
                got="none",
                cure="give it as --eval-data, or remove it",
            )
    return Manifest(
        name=" + ".join(manifest.name for manifest in manifests),
        root=Path(os.path.commonpath([manifest.root.absolute() for manifest in manifests])),
        samples=tuple(_named(sample, manifest.name) for manifest in manifests for sample in manifest.samples),
        passed_over=tuple(path for manifest in manifests for path in manifest.passed_over),
        merged=tuple(manifests),
    )


def _named(sample: Sample, dataset: str) -> Sample:
    special = (JUNK_NAME,) if sample.split == "train" else (JUNK_NAME, DISTRACTOR_NAME)
    return replace(
        sample,
        person=sample.person if sample.person in special else f"{dataset}/{sample.person}",
        camera=None if sample.camera is None else f"{dataset}/{sample.camera}",
    )


def name_apart(manifests: Sequence[Manifest], option: str, reserved: Collection[str] = ()) -> tuple[Manifest, ...]:
    """The same datasets with different names: where two are called alike, the later is NAME-2.

    Args:
        manifests: datasets as they were read.
        option: how the user named them, for the error.
        reserved: names that none may have.

    Raises:
        UsageError: a dataset is listed twice.
    """
    taken, roots, apart = set(reserved), set(), []
    for manifest in manifests:
        if (root := manifest.root.resolve()) in roots:
            raise UsageError(
                f"{option} {manifest.root} is given twice",
                expected="different datasets",
                got="the same dataset",
                cure="leave one of them out",
            )
        names = (manifest.name if number == 1 else f"{manifest.name}-{number}" for number in count(1))
        name = next(name for name in names if name not in taken)
        roots.add(root)
        taken.add(name)
        apart.append(replace(manifest, name=name))
    return tuple(apart)
