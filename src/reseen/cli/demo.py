"""`reseen demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reseen.cli.console import StageBars, give, say
from reseen.cli.options import DeviceOption
from reseen.cli.train import show_training

if TYPE_CHECKING:
    from reseen.assess.evaluate import Evaluation

WIDTH = 28
"""Of what is in front of the figures."""


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="An empty or new folder.")] = Path("demo"),
    device: DeviceOption = "auto",
) -> None:
    """Run the whole tour on drawn people, in a few minutes.

    Finds people with the shipped model; then trains a network, evaluates it before and after, exports it, compares and
    searches, and writes a page about it.

    All people are drawn. Without the libraries that train, the shipped model is all there is to see.

    Example: reseen demo --out demo
    """
    from reseen.demo.tour import Demo, run_demo
    from reseen.run_folder import Run

    with StageBars() as bars:
        tour = Demo(out, device)
        results = run_demo(tour, [show_training(bars, Run(tour.trained / "run"))], bars)
    give(_line("shipped model, easy people", results.shipped.found))
    if results.learnt is None:
        say("training and export were skipped: pip install '.[export]' in a clone of reseen adds what they need")
    else:
        give(_line("untrained network", results.learnt.before))
        give(_line("trained network", results.learnt.after))
        if results.learnt.exported is None:
            say("export was skipped: pip install '.[export]' in a clone of reseen adds what it needs")
        else:
            (model,) = results.learnt.exported.bundle.description.models
            error = f"agrees with the network to {model.parity.max_error:.0e} in every number"
            give(f"{'exported bundle:':<{WIDTH}} {error}")
    say("the easy people show that reseen works here; they say nothing about people in your images")
    say(f"done in {results.seconds:.0f} s; look at {out / 'report.html'}")


def _line(name: str, evaluation: Evaluation) -> str:
    found = evaluation.metrics
    return f"{name + ':':<{WIDTH}} rank-1 {100 * found.recall1:5.1f} %, mAP {100 * found.mAP:5.1f} %"
