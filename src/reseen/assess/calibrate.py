"""A network or a bundle, and people who were set aside → what its scores mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from reseen.assess.extract import EmbedsFiles, Progress, extract_features
from reseen.assess.features import read_features
from reseen.assess.usual import learn_usual
from reseen.bundle.bundle import CALIBRATION, Bundle, write_bundle
from reseen.calibration.calibration import Calibration
from reseen.calibration.calibration_set import CalibrationSet
from reseen.datasets.codes import Codes
from reseen.datasets.holdout import hold_out_for_calibration, people_hash
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest
from reseen.datasets.merge import training_and_evaluation
from reseen.errors import DatasetError, FeaturesError
from reseen.recipe.schema import Recipe


def calibration_people(recipe: Recipe, manifests: Sequence[Manifest]) -> Manifest:
    """The people whom training with this recipe on these datasets set aside.

    Raises:
        DatasetError: the recipe sets nobody aside, or there are too few people.
    """
    share = recipe.data.calibration_share
    if not share:
        raise DatasetError(
            "training with this recipe kept nobody aside for calibration",
            expected="data.calibration_share above 0, in the recipe that the weights were trained with",
            got="data.calibration_share: 0",
            cure="train again with -o data.calibration_share=0.1, or calibrate on features of people from elsewhere: "
            "reseen calibrate --features FILE.npz",
        )
    training, _ = training_and_evaluation(manifests, (), recipe.data.evaluation_share)
    return hold_out_for_calibration(training, share).calibration


def require_set_aside(people: Manifest, told: str | None, model: str) -> None:
    """Refuse people whom a model's training may have seen.

    Args:
        people: as `calibration_people` gives them.
        told: what the weights or the bundle say of whom their training has set aside; None where they say nothing.
        model: what to call it.

    Raises:
        DatasetError: training has set other people aside, or nobody; or it is not known.
    """
    if told != people_hash(people):
        raise DatasetError(
            f"{model} was not trained with these people kept aside",
            expected=f"the people kept aside by its training: {(told or 'not recorded')[:12]}",
            got=f"{people.name}: {people_hash(people)[:12]}",
            cure="give the recipe.yaml and the --data of the run that trained it; where its training has set nobody "
            "aside, train again with -o data.calibration_share=0.1, or calibrate on people of your own",
        )


def own_people(manifest: Manifest) -> Manifest:
    """Everyone of a dataset that names no parts: people of one's own, whom neither training nor an evaluation has seen.

    Raises:
        DatasetError: the dataset names parts: they are there to be trained on and reported on.
    """
    if manifest.has_splits:
        raise DatasetError(
            f"{manifest.name} has train, query and gallery parts",
            expected="people unseen in training and evaluation: a dataset without parts",
            got=", ".join(sorted({sample.split for sample in manifest.samples if sample.split})),
            cure="give -c with the recipe of the run that kept people aside, or images of other people",
        )
    persons = {sample.person for sample in manifest.samples} - {DISTRACTOR_NAME, JUNK_NAME}
    samples = tuple(replace(sample, split="gallery") for sample in manifest.samples)
    return replace(manifest, name=f"{len(persons)} people of {manifest.name}", samples=samples)


def evaluation_people(manifest: Manifest) -> Manifest:
    """The people of query and gallery, whom training has not seen, to calibrate on all the same.

    Thresholds change no ranking, so that recall and mAP stay what they are; rates at a threshold do not, and must be
    measured on people held back, as `reseen.calibration.held_back` does.

    Raises:
        DatasetError: the dataset names no query or no gallery.
    """
    parts = {sample.split for sample in manifest.samples}
    if not {"query", "gallery"} <= parts:
        raise DatasetError(
            f"{manifest.name} has nobody who is evaluated",
            expected="a dataset with query and gallery",
            got=", ".join(sorted(part for part in parts if part)) or "no parts",
            cure="leave --on out: all people of a dataset without parts are calibrated on",
        )
    nobody = {DISTRACTOR_NAME, JUNK_NAME}
    kept = [each for each in manifest.samples if each.split in ("query", "gallery") and each.person not in nobody]
    persons = {sample.person for sample in kept}
    samples = tuple(replace(sample, split="gallery") for sample in kept)
    return replace(manifest, name=f"the {len(persons)} evaluation people of {manifest.name}", samples=samples)


def evaluated_people(features: Path) -> CalibrationSet:
    """The people of a stored evaluation, to calibrate on as `evaluation_people` are.

    Raises:
        FeaturesError: the file holds no evaluation, or too few people.
    """
    stored = read_features(features)
    return CalibrationSet.of(
        f"the evaluation people of {features.name}",
        np.concatenate([stored.query_features, stored.gallery_features]),
        np.concatenate([stored.query_persons, stored.gallery_persons]),
        np.concatenate([stored.query_cameras, stored.gallery_cameras]),
    )


def embed_calibration_people(
    embedder: EmbedsFiles, people: Manifest, progress: Progress | None = None
) -> CalibrationSet:
    """Features of people to calibrate on, and what their images look like.

    Args:
        embedder: makes them.
        people: as `calibration_people`, `own_people` or `evaluation_people` gives them.
        progress: told how far the embedding has come.

    Raises:
        ImageError: an image cannot be read.
    """
    samples = people.split("gallery")
    features = extract_features(embedder, [sample.path for sample in samples], progress, "calibration")
    labels = Codes.of(samples).labels(people.name, samples)
    held = CalibrationSet.of(people.name, features, labels.persons, labels.cameras)
    return replace(held, usual=learn_usual(embedder, [sample.path for sample in samples], features, progress))


def add_calibration(bundle: Bundle, calibration: Calibration) -> None:
    """Keep a calibration in the bundle whose features it was measured with, in the place of an older one.

    Raises:
        FeaturesError: it was measured on features of another size.
        StorageError: it cannot be written.
    """
    size = bundle.description.feature_size
    if calibration.source.dimensions != size:
        raise FeaturesError(
            f"the calibration does not belong to the model in {bundle.folder}",
            expected=f"features of {size} numbers",
            got=f"features of {calibration.source.dimensions}",
            cure="calibrate with the bundle itself: reseen calibrate --bundle",
        )
    content = (calibration.model_dump_json(indent=1) + "\n").encode()
    write_bundle(bundle.folder, bundle.description, {CALIBRATION: content})
