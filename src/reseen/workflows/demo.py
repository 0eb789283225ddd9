"""The whole way in a few minutes: draw people, train, evaluate, export, compare, search, report."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from reseen.datasets.manifest import Manifest
from reseen.datasets.synthetic.dataset import synthesise
from reseen.datasets.synthetic.plan import Plan
from reseen.files import make_folder, require_empty
from reseen.models.embedder import NetworkEmbedder
from reseen.models.network import ReIDNetwork, build_network
from reseen.models.weights import load_network
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe
from reseen.training.events import Listener
from reseen.training.randomness import Purpose, seed_torch
from reseen.workflows.demo_bundle import show_bundle
from reseen.workflows.demo_report import DemoResults, write_report
from reseen.workflows.evaluate import Evaluation, embed_dataset, evaluate_retrieval
from reseen.workflows.extract import Progress
from reseen.workflows.run_plan import TrainingRun
from reseen.workflows.train import train


@dataclass(frozen=True)
class Demo:
    """What the demo does.

    Attributes:
        output: folder for the people, the run and the report; empty or not there yet.
        device: where to compute.
        plan: the people to draw.
        recipe: a shipped recipe's name.
        overrides: changes of it.
    """

    output: Path
    device: torch.device
    plan: Plan = field(default_factory=Plan)
    recipe: str = "tiny"
    overrides: Sequence[str] = ()


def run_demo(demo: Demo, listeners: Sequence[Listener] = (), progress: Progress | None = None) -> DemoResults:
    """Do it all; write `report.html`, `ranked_lists.png`, and what `show_bundle` writes.

    Args:
        demo: what to do.
        listeners: are told how the training goes.
        progress: told how the drawing and the embedding go.

    Raises:
        UsageError: the output folder holds something.
        ReseenError: a step failed.
    """
    start = time.perf_counter()
    require_empty(demo.output)
    recipe = load_recipe(demo.recipe, demo.overrides)
    manifest = synthesise(
        demo.output / "people",
        demo.plan,
        progress=None if progress is None else lambda done, total: progress("drawing", done, total),
    )
    untrained = _untrained_network(recipe)
    before = _measure(untrained, recipe, manifest, demo.device)
    run = make_folder(demo.output / "run")
    train(TrainingRun(recipe, manifest, run, demo.device), listeners, progress)
    trained = load_network(recipe.model, run / "checkpoints" / "best")
    curve = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    after = _measure(trained, recipe, manifest, demo.device)
    if progress is not None:
        progress("exporting", 0, 1)
    bundle = show_bundle(trained, recipe, manifest, after, demo.output)
    if progress is not None:
        progress("exporting", 1, 1)
    results = DemoResults(
        manifest=manifest,
        recipe=recipe,
        parameters=sum(parameter.numel() for parameter in untrained.parameters()),
        before=before,
        after=after,
        losses=[record["losses"]["total"] for record in curve if record["kind"] == "epoch"],
        bundle=bundle,
        seconds=time.perf_counter() - start,
    )
    write_report(results, demo.output)
    return results


def _untrained_network(recipe: Recipe) -> ReIDNetwork:
    """The network as the run will initialise it."""
    seed_torch(recipe.seed, Purpose.INITIALISATION)
    return build_network(recipe.model, persons=0)


def _measure(network: ReIDNetwork, recipe: Recipe, manifest: Manifest, device: torch.device) -> Evaluation:
    return evaluate_retrieval(embed_dataset(NetworkEmbedder(network, recipe.preprocess, device), manifest))
