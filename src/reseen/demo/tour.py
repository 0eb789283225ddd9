"""The whole way in a few minutes: what the shipped model finds; then draw, train, evaluate, export, compare, search."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from reseen.assess.extract import Progress
from reseen.demo.report import DemoResults, write_report
from reseen.demo.shipped import EASY, show_shipped
from reseen.engines.load import load
from reseen.files import require_empty
from reseen.recipe.load import load_recipe
from reseen.synthetic.dataset import synthesise
from reseen.synthetic.plan import Plan

if TYPE_CHECKING:
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
        easy: the people for the model that comes with reseen.
        plan: the people to train on and to find.
        recipe: a shipped recipe's name.
        overrides: changes of it.
    """

    output: Path
    device: str = "auto"
    easy: Plan = EASY
    plan: Plan = field(default_factory=Plan)
    recipe: str = "tiny"
    overrides: Sequence[str] = ()

    @property
    def trained(self) -> Path:
        """The folder of the people to train on, of the run and of its bundle."""
        return self.output / "trained"


def run_demo(demo: Demo, listeners: Sequence[Listener] = (), progress: Progress | None = None) -> DemoResults:
    """Do it all; write `report.html`, what `show_shipped` writes into `shipped`, and what `learn` does into `trained`.

    Where the libraries that train are not installed, the model that comes with reseen is all there is to see.

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
    learning = _learning(demo, listeners, progress)  # what cannot work is to fail before the work
    with load() as embedder:
        shipped = show_shipped(embedder, demo.easy, demo.output / "shipped", progress)
    learnt = None if learning is None else learning()
    results = DemoResults(shipped, learnt, seconds=time.perf_counter() - start)
    write_report(results, demo.output)
    return results


def _learning(demo: Demo, listeners: Sequence[Listener], progress: Progress | None) -> Callable[[], Learnt] | None:
    """What draws people and trains on them; None where the libraries for it are not installed."""
    if not all(find_spec(library) for library in NEEDED):
        return None
    from reseen.demo.training import learn  # noqa: PLC0415 - only where it is installed
    from reseen.runs.device import choose_device  # noqa: PLC0415

    recipe, device, output = load_recipe(demo.recipe, demo.overrides), choose_device(demo.device), demo.trained
    drawing = None if progress is None else lambda done, total: progress("drawing people", done, total)

    def draw_and_learn() -> Learnt:
        manifest = synthesise(output / "people", demo.plan, progress=drawing)
        return learn(recipe, manifest, output, device, listeners=listeners, progress=progress)

    return draw_and_learn
