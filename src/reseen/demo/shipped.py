"""What the model that comes with reseen does as it is: it finds people who are easy to find."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reseen.assess.evaluate import Evaluation, embed_split, evaluate_retrieval
from reseen.assess.extract import Progress
from reseen.bundle.description import Description
from reseen.datasets.evaluation_split import evaluation_split
from reseen.datasets.manifest import Manifest
from reseen.demo.bundle import BundleShown, show_bundle
from reseen.engines.embedder import Embedder
from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

EASY = Plan(
    persons=2,
    test_persons=16,
    cameras=3,
    images_per_camera=3,
    distractors=0,
    junk=0,
    height=192,
    width=96,
    easy=True,
)
"""People within reach of a model that has learnt from photographs and never saw a drawing."""


@dataclass(frozen=True)
class Shipped:
    """What it found.

    Attributes:
        description: of the model.
        manifest: the people.
        found: its evaluation on them.
        shown: what else it did.
    """

    description: Description
    manifest: Manifest
    found: Evaluation
    shown: BundleShown


def show_shipped(embedder: Embedder, plan: Plan, output: Path, progress: Progress | None = None) -> Shipped:
    """Draw people into `people`, have the model find them, compare two and search: see `show_bundle`.

    Args:
        embedder: of the model.
        plan: the people.
        output: a folder that is empty or not there yet.
        progress: told how the drawing and the embedding go.

    Raises:
        ReseenError: a step failed.
    """
    manifest = synthesise(
        output / "people",
        plan,
        progress=None if progress is None else lambda done, total: progress("drawing easy people", done, total),
    )
    found = evaluate_retrieval(embed_split(embedder, evaluation_split(manifest), progress))
    return Shipped(embedder.bundle.description, manifest, found, show_bundle(embedder, manifest, found, output))
