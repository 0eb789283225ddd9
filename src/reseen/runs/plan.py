"""`RunPlan`: what a run will learn from and be measured on, checked before any image is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from reseen.datasets.evaluation_split import EvaluationSplit
from reseen.datasets.holdout import hold_out_for_calibration, hold_out_for_evaluation
from reseen.datasets.manifest import Manifest, Sample, person_labels
from reseen.datasets.sampler import PKSampler
from reseen.errors import CheckpointError, DatasetError, UsageError
from reseen.recipe.schema import Recipe
from reseen.run_folder import Run
from reseen.shapes import Int64
from reseen.training.batches import share
from reseen.training.processes import ALONE, Processes


@dataclass(frozen=True)
class TrainingRun:
    """What to train, on what, and where to.

    Attributes:
        recipe: as resolved.
        manifest: the dataset, perhaps merged from several; people are held out when it names no parts.
        output: the run's folder.
        device: where to compute.
        resume: continue the run that is in `output`.
        evaluation: datasets of different names to evaluate on, each on its own; without any, the dataset itself.
        processes: those that train together, each called with its own.
    """

    recipe: Recipe
    manifest: Manifest
    output: Path
    device: torch.device
    resume: bool = False
    evaluation: tuple[Manifest, ...] = ()
    processes: Processes = ALONE


@dataclass(frozen=True, eq=False)
class RunPlan:
    """The parts of a run that its datasets and recipe determine.

    Attributes:
        samples: training images.
        labels: class of each, 0 to persons - 1.
        persons: who the classes are.
        sampler: draws the batches.
        evaluated: query and gallery of the datasets to evaluate on.
        calibration_people: those who are set aside, as query and gallery; nobody where the recipe sets nobody aside.
    """

    samples: tuple[Sample, ...]
    labels: Int64[np.ndarray, " n"]
    persons: tuple[str, ...]
    sampler: PKSampler
    evaluated: tuple[EvaluationSplit, ...]
    calibration_people: Manifest


def plan_run(run: TrainingRun) -> RunPlan:
    """Check that a run can be done, without reading an image or writing a file.

    Raises:
        DatasetError: nothing to train on, or nothing to evaluate on; batches that cannot be drawn.
        UsageError: the folder holds a run already; the recipe asks for what the device or the processes cannot do.
        CheckpointError: there is no run to resume.
    """
    recipe, share_evaluated = run.recipe, run.recipe.data.evaluation_share
    manifest = hold_out_for_evaluation(run.manifest, share_evaluated)
    _check_trained(manifest)
    aside = hold_out_for_calibration(manifest, recipe.data.calibration_share)
    samples = aside.rest.split("train")
    evaluated = tuple(hold_out_for_evaluation(each, share_evaluated) for each in run.evaluation) or (manifest,)
    splits = tuple(EvaluationSplit.of(each).checked() for each in evaluated)
    labels, persons = person_labels(samples)
    settings = recipe.sampler
    sampler = PKSampler(
        labels,
        settings.persons,
        settings.images_per_person,
        settings.short_persons,
        method=settings.method,
        drop_last=settings.drop_last,
        names=persons,
    )
    share(settings.persons, settings.images_per_person, run.processes.rank, run.processes.count)
    _check_device(run)
    _check_output(run)
    return RunPlan(samples, labels, persons, sampler, splits, aside.calibration)


def _check_trained(manifest: Manifest) -> None:
    if not manifest.split("train"):
        raise DatasetError(
            f"{manifest.root} has no training images",
            expected="images in the train split",
            got="none",
            cure="name them in the manifest's split column, or put them into train/",
        )


def _check_device(run: TrainingRun) -> None:
    if run.recipe.training.batch_norm == "synchronised" and run.device.type != "cuda":
        raise UsageError(
            "batch norm can be synchronised on CUDA devices only",
            expected="--device cuda",
            got=f"--device {run.device}",
            cure="-o training.batch_norm=per_process (as published), or train on CUDA devices",
        )


def _check_output(run: TrainingRun) -> None:
    """A run is there exactly when it is to be resumed."""
    there = Run(run.output)
    if run.resume and not there.exists:
        raise CheckpointError(
            f"there is no checkpoint to resume in {there.checkpoints}",
            expected="a run that was trained before",
            got="no such file",
            cure="check --output, or leave out --resume",
        )
    if not run.resume and there.exists:
        raise UsageError(
            f"{run.output} already holds a run",
            expected="a folder without one",
            got=f"saved weights in {there.checkpoints}",
            cure="continue it with --resume, or choose another --output",
        )
