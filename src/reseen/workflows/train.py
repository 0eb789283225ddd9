"""Dataset and recipe → a trained run: everything that a run needs is put together here."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

import reseen
from reseen.datasets.hold_out import hold_out
from reseen.datasets.manifest import Manifest, Sample, person_labels
from reseen.datasets.resident import ResidentImages
from reseen.datasets.sampler import PKSampler
from reseen.errors import CheckpointError, DatasetError, UsageError, WeightsError
from reseen.files import hold_folder, make_folder, write_whole
from reseen.losses.criterion import Criterion
from reseen.models.embedder import NetworkEmbedder
from reseen.models.network import ReIDNetwork, build_network
from reseen.models.weights import load_weights
from reseen.recipe.load import dump_recipe
from reseen.recipe.schema import Recipe
from reseen.training.checkpoint import Checkpoints, Progress
from reseen.training.events import Listener
from reseen.training.randomness import Purpose, seed_torch
from reseen.training.run_log import RunLog
from reseen.training.trainer import Evaluate, Trainer, TrainingSet
from reseen.workflows.evaluate import query_and_gallery
from reseen.workflows.evaluations import evaluate_network
from reseen.workflows.extract import Progress as StageProgress


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
    """

    recipe: Recipe
    manifest: Manifest
    output: Path
    device: torch.device
    resume: bool = False
    evaluation: tuple[Manifest, ...] = ()


def train(run: TrainingRun, listeners: Sequence[Listener] = (), progress: StageProgress | None = None) -> Progress:
    """Train as the recipe says, with everything written to the run's folder.

    Args:
        run: what to do.
        listeners: are told what happens, after the run's log.
        progress: told about reading the dataset and about evaluation.

    Raises:
        UsageError: the folder holds a run already, or there is none to resume; a recipe, dataset or weights that
            cannot be used.
        ReseenError: whatever stopped the run.
    """
    recipe, manifest = run.recipe, hold_out(run.manifest, run.recipe.data.hold_out)
    samples = _training_samples(manifest)
    evaluated = [hold_out(each, recipe.data.hold_out) for each in run.evaluation] or [manifest]
    compared = {each.name: query_and_gallery(each) for each in evaluated}
    labels, persons = person_labels(samples)
    sampler = _sampler(recipe, labels, persons)
    _check_output(run)
    with hold_folder(make_folder(run.output)):
        log = RunLog(run.output, recipe.training.log_every)
        log.say(f"reseen {reseen.__version__}, torch {torch.__version__} on {run.device}, recipe {recipe.name}")
        log.say(f"{manifest.name}: {len(samples)} training images")
        for name, (query, gallery) in compared.items():
            log.say(f"evaluated on {name}: {len(query)} query, {len(gallery)} gallery images")
        if len(compared) > 1:
            log.say("recall1, mAP, …, and with them the choice of `best`, are means over the datasets evaluated on")
        network = _network(run, len(persons), log)
        trainer = Trainer(
            recipe,
            network,
            Criterion(recipe.losses, len(persons), network.feature_size).to(run.device),
            TrainingSet(_pixels(run, samples, progress), labels, [sample.path for sample in samples]),
            sampler,
            checkpoints=Checkpoints(run.output / "checkpoints", _identity(recipe, samples, compared)),
            evaluate=_evaluation(run, evaluated, progress),
            listeners=[log, *listeners],
        )
        if run.resume:
            trainer.resume()
        log.forget_after(trainer.progress.epoch)  # also what a run that never came to save has written
        write_whole(run.output / "recipe.yaml", dump_recipe(recipe))
        write_whole(run.output / "environment.json", json.dumps(_environment(run, evaluated), indent=2) + "\n")
        return trainer.run()


def _sampler(recipe: Recipe, labels: Int64[np.ndarray, " n"], persons: Sequence[str]) -> PKSampler:
    settings = recipe.sampler
    return PKSampler(
        labels,
        settings.persons,
        settings.images_per_person,
        settings.short_persons,
        method=settings.method,
        drop_last=settings.drop_last,
        names=persons,
    )


def _network(run: TrainingRun, persons: int, log: RunLog) -> ReIDNetwork:
    """The network as the run starts it; what a resumed run has learnt is put in later."""
    seed_torch(run.recipe.seed, Purpose.INITIALISATION)
    network = build_network(run.recipe.model, persons).to(run.device)
    if not run.resume:
        _load_pretrained(run.recipe, network, log)
    return network


def _pixels(run: TrainingRun, samples: Sequence[Sample], progress: StageProgress | None) -> UInt8[Tensor, "n h w 3"]:
    """The decoded training set, on the device that trains."""
    images = ResidentImages.load(
        [sample.path for sample in samples],
        run.recipe.preprocess.height,
        run.recipe.preprocess.width,
        int(run.recipe.data.memory_limit_gb * 1e9),
        progress=None if progress is None else lambda done, total: progress("reading", done, total),
    )
    return torch.from_numpy(images.pixels).to(run.device)


def _evaluation(run: TrainingRun, evaluated: Sequence[Manifest], progress: StageProgress | None) -> Evaluate:
    """What the trainer calls to measure the network."""

    def evaluate(network: ReIDNetwork) -> Mapping[str, float]:
        embedder = NetworkEmbedder(
            network, run.recipe.preprocess, run.device, batch_size=run.recipe.evaluation.batch_size
        )
        return evaluate_network(embedder, evaluated, progress).metrics()

    return evaluate


def _training_samples(manifest: Manifest) -> tuple[Sample, ...]:
    samples = manifest.split("train")
    if not samples:
        raise DatasetError(
            f"{manifest.root} has no training images",
            expected="images in the train split",
            got="none",
            cure="name them in the manifest's split column, or put them into train/",
        )
    return samples


def _check_output(run: TrainingRun) -> None:
    """Before anything is made or read: a run is there exactly when it is to be resumed."""
    latest = run.output / "checkpoints" / "latest.safetensors"
    try:
        there = latest.exists()
    except OSError:  # a name too long, or a folder that may not be entered: making it will say which
        there = False
    if run.resume and not there:
        raise CheckpointError(
            f"there is no checkpoint to resume at {latest}",
            expected="a run that was trained before",
            got="no such file",
            cure="check --output, or leave out --resume",
        )
    if not run.resume and there:
        raise UsageError(
            f"{run.output} holds a run already",
            expected="a folder without one",
            got=f"{latest.name} in {latest.parent}",
            cure="continue it with --resume, or choose another --output",
        )


def _load_pretrained(recipe: Recipe, network: ReIDNetwork, log: RunLog) -> None:
    """Put the recipe's pretrained weights into the backbone."""
    pretrained = recipe.model.pretrained
    if pretrained is None:
        return
    if pretrained.path is None:
        raise WeightsError(
            f"the recipe {recipe.name} starts from pretrained weights and names no file",
            expected="-o model.pretrained.path=FILE",
            got="model.pretrained.path: null",
            cure="give the file, or -o model.pretrained=null to train from scratch",
        )
    report = load_weights(
        network.backbone,
        Path(pretrained.path),
        expected_missing=pretrained.expected_missing,
        expected_unused=pretrained.expected_unused,
    )
    log.say(report.summary())


def _identity(
    recipe: Recipe, samples: Sequence[Sample], compared: Mapping[str, tuple[Sequence[Sample], Sequence[Sample]]]
) -> dict[str, Any]:
    """What must not change between a run and its continuation; its length and rhythm may, the choice of `best` not."""
    rhythm = set(type(recipe.training).model_fields) - {"best"}
    return {
        "recipe": recipe.model_dump(mode="json", by_alias=True, exclude={"training": rhythm}),
        "training images": _fingerprint(samples),
        "evaluation images": [_fingerprint((*query, *gallery)) for query, gallery in compared.values()],
    }


def _fingerprint(samples: Sequence[Sample]) -> str:
    content = "\n".join(f"{sample.person}/{sample.path.name}" for sample in samples)
    return f"{len(samples)} images, SHA-256 {hashlib.sha256(content.encode()).hexdigest()}"


def _environment(run: TrainingRun, evaluated: Sequence[Manifest]) -> dict[str, Any]:
    """Where the run was made, for whoever repeats it."""
    return {
        "reseen": reseen.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": str(run.device),
        "dataset": run.manifest.name,
        "dataset_root": str(run.manifest.root),
        "evaluation": {each.name: str(each.root) for each in evaluated},
    }
