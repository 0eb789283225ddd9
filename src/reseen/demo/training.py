"""The demo's training: a network before and after it has learnt, and its bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch

from reseen.assess.evaluate import Evaluation, embed_split, evaluate_retrieval
from reseen.assess.extract import Progress
from reseen.bundle.bundle import Bundle
from reseen.bundle.description import TrainingData
from reseen.datasets.evaluation_split import evaluation_split
from reseen.datasets.manifest import Manifest
from reseen.demo.bundle import BundleShown, show_bundle
from reseen.engines.load import load
from reseen.files import make_folder
from reseen.models.embedder import NetworkEmbedder
from reseen.models.network import ReIDNetwork, build_network
from reseen.models.weights import load_network
from reseen.recipe.schema import Recipe
from reseen.run_folder import Run
from reseen.runs.plan import TrainingRun
from reseen.runs.run_training import run_training
from reseen.training.events import Listener
from reseen.training.randomness import Purpose, seed_torch

NEEDED = ("onnx", "onnxscript")
"""What exporting needs beside training."""


@dataclass(frozen=True)
class Exported:
    """The trained network's bundle, and what it did."""

    bundle: Bundle
    shown: BundleShown


@dataclass(frozen=True)
class Learnt:
    """What became of the network.

    Attributes:
        recipe: it was trained with.
        manifest: the people, to train on and to find.
        parameters: it has, without the head.
        before: evaluation of the network as initialised.
        after: evaluation of the trained network.
        losses: mean loss of each epoch.
        exported: the trained network's bundle; None where the libraries that export are not installed.
    """

    recipe: Recipe
    manifest: Manifest
    parameters: int
    before: Evaluation
    after: Evaluation
    losses: Sequence[float]
    exported: Exported | None


def learn(
    recipe: Recipe,
    manifest: Manifest,
    output: Path,
    device: torch.device,
    *,
    listeners: Sequence[Listener] = (),
    progress: Progress | None = None,
) -> Learnt:
    """Train into `run`, export into `bundle`, measure what that has changed, and show what the bundle does.

    Args:
        recipe: what to train.
        manifest: whom to train on and to find.
        output: a folder.
        device: where to train.
        listeners: are told how the training goes.
        progress: told how the embedding goes.

    Raises:
        ReseenError: a step failed.
    """
    untrained = _untrained_network(recipe)
    before = _measure(untrained, recipe, manifest, device)
    run = Run(make_folder(output / "run"))
    run_training(TrainingRun(recipe, manifest, run.folder, device), listeners, progress)
    trained = load_network(recipe.model, run.weights("best"))
    after = _measure(trained, recipe, manifest, device)
    bundle = _export(trained, recipe, output / "bundle", progress or (lambda *_: None))
    return Learnt(
        recipe=recipe,
        manifest=manifest,
        parameters=sum(parameter.numel() for parameter in untrained.parameters()),
        before=before,
        after=after,
        losses=[epoch.losses["total"] for epoch in run.epochs],
        exported=None if bundle is None else _show(bundle, manifest, after, output),
    )


def _untrained_network(recipe: Recipe) -> ReIDNetwork:
    """The network as the run will initialise it."""
    seed_torch(recipe.seed, Purpose.INITIALISATION)
    return build_network(recipe.model, persons=0)


def _measure(network: ReIDNetwork, recipe: Recipe, manifest: Manifest, device: torch.device) -> Evaluation:
    embedder = NetworkEmbedder(network, recipe.preprocess, device)
    return evaluate_retrieval(embed_split(embedder, evaluation_split(manifest)))


def _export(
    network: ReIDNetwork, recipe: Recipe, folder: Path, progress: Callable[[str, int, int], None]
) -> Bundle | None:
    if any(find_spec(library) is None for library in NEEDED):
        return None
    from reseen.exporting.export import About, export_bundle  # noqa: PLC0415 - only where it is installed
    from reseen.exporting.source import source_of  # noqa: PLC0415

    progress("exporting", 0, 1)
    about = About("demo", TrainingData(name="people drawn by a program", licence="none needed"))
    bundle = export_bundle(source_of(network, recipe.model, recipe.preprocess), [("onnx", "fp32")], folder, about)
    progress("exporting", 1, 1)
    return bundle


def _show(bundle: Bundle, manifest: Manifest, found: Evaluation, output: Path) -> Exported:
    with load(bundle.folder) as embedder:
        return Exported(bundle, show_bundle(embedder, manifest, found, output))
