"""Weights and the people that their training set aside → what their scores mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from reseen.datasets.manifest import DISTRACTOR, Manifest, camera_codes, person_codes
from reseen.datasets.merge import training_and_evaluation
from reseen.datasets.set_aside import set_aside
from reseen.errors import DatasetError
from reseen.evaluation.calibration_set import CalibrationSet
from reseen.recipe.schema import Recipe
from reseen.workflows.extract import Progress, extract_features
from reseen.workflows.load_embedder import load_embedder


def calibration_people(recipe: Recipe, manifests: Sequence[Manifest]) -> Manifest:
    """The people whom training with this recipe on these datasets set aside.

    Raises:
        DatasetError: the recipe sets nobody aside, or there are too few people.
    """
    share = recipe.data.calibration_share
    if not share:
        raise DatasetError(
            "training with this recipe set nobody aside to calibrate on",
            expected="data.calibration_share above 0, in the recipe that the weights were trained with",
            got="data.calibration_share: 0",
            cure="train again with -o data.calibration_share=0.1, or calibrate on features of people from elsewhere: "
            "reseen calibrate --features FILE.npz",
        )
    training, _ = training_and_evaluation(manifests, (), recipe.data.hold_out)
    return set_aside(training, share).calibration


def embed_calibration_people(
    recipe: Recipe,
    weights: Path,
    manifests: Sequence[Manifest],
    device: torch.device,
    progress: Progress | None = None,
) -> CalibrationSet:
    """Features of the people whom training set aside.

    Args:
        recipe: the one the weights were trained with.
        weights: a file that training saved; the suffix may be left out.
        manifests: the datasets that they were trained on.
        device: where to compute.
        progress: told how far the embedding has come.

    Raises:
        WeightsError: the weights are not this recipe's, or were trained with another preprocessing.
        DatasetError: the recipe sets nobody aside, or there are too few people.
        ImageError: an image cannot be read.
    """
    people = calibration_people(recipe, manifests)
    samples = people.split("gallery")
    embedder = load_embedder(recipe, weights, device)
    features = extract_features(embedder, [sample.path for sample in samples], progress, "calibration")
    persons = tuple(sorted({sample.person for sample in samples} - {DISTRACTOR}))
    cameras = tuple(sorted({sample.camera for sample in samples if sample.camera is not None}))
    return CalibrationSet.of(people.name, features, person_codes(samples, persons), camera_codes(samples, cameras))
