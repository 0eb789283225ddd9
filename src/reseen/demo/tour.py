"""The whole way in a few minutes: draw people, train, evaluate, export, compare, search, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from reseen.assess.evaluate import embed_split, evaluate_retrieval
from reseen.assess.extract import Progress
from reseen.datasets.evaluation_split import evaluation_split
from reseen.demo.bundle import show_bundle
from reseen.demo.report import DemoResults, write_report
from reseen.engines.load import load
from reseen.files import require_empty
from reseen.recipe.load import load_recipe
from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

if TYPE_CHECKING:
    from reseen.datasets.manifest import Manifest
    from reseen.demo.training import Learnt
    from reseen.training.events import Listener

NEEDED = ("torch", "safetensors")
"""What training needs."""


@dataclass(frozen=True)
class Demo:
    """What the demo does.

    Attributes:
        output: folder for the people, the run and the report; empty or not there yet.
        device: where to train, as `--device` names it.
        plan: the people to draw.
        recipe: a shipped recipe's name.
        overrides: changes of it.
    """

    output: Path
    device: str = "auto"
    plan: Plan = field(default_factory=Plan)
    recipe: str = "tiny"
    overrides: Sequence[str] = ()


def run_demo(demo: Demo, listeners: Sequence[Listener] = (), progress: Progress | None = None) -> DemoResults:
    """Do it all; write `report.html`, `ranked_lists.png`, and what `learn` and `show_bundle` write.

    Where the libraries that train are not installed, the model that comes with reseen goes the rest of the way alone.

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
    # What cannot work is to fail before the work.
    with load() as shipped:
        learning = _learning(demo, listeners, progress)
        manifest = synthesise(
            demo.output / "people",
            demo.plan,
            progress=None if progress is None else lambda done, total: progress("drawing", done, total),
        )
        learnt = None if learning is None else learning(manifest)
        as_it_comes = evaluate_retrieval(embed_split(shipped, evaluation_split(manifest)))
        if learnt is None or learnt.bundle is None:
            shown = show_bundle(shipped, manifest, as_it_comes, demo.output)
        else:
            with load(learnt.bundle.folder) as trained:
                shown = show_bundle(trained, manifest, learnt.after, demo.output)
    results = DemoResults(
        manifest=manifest,
        shipped=shipped.bundle.description,
        as_it_comes=as_it_comes,
        learnt=learnt,
        shown=shown,
        seconds=time.perf_counter() - start,
    )
    write_report(results, demo.output)
    return results


def _learning(
    demo: Demo, listeners: Sequence[Listener], progress: Progress | None
) -> Callable[[Manifest], Learnt] | None:
    """What trains on the people, once they are drawn; None where the libraries for it are not installed."""
    if not all(find_spec(library) for library in NEEDED):
        return None
    from reseen.demo.training import learn  # noqa: PLC0415 - only where it is installed
    from reseen.runs.device import choose_device  # noqa: PLC0415

    recipe, device = load_recipe(demo.recipe, demo.overrides), choose_device(demo.device)
    return lambda manifest: learn(recipe, manifest, demo.output, device, listeners=listeners, progress=progress)
