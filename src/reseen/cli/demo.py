"""`reseen demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reseen.cli.console import StageBars, give, say
from reseen.cli.options import DeviceOption
from reseen.cli.train import show_training


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="An empty or new folder.")] = Path("demo"),
    device: DeviceOption = "auto",
) -> None:
    """Show the whole way in a few minutes: draw people, train, evaluate before and after, export, compare, search.

    Without the libraries that train, the model that comes with reseen goes the rest of the way.

    Example: reseen demo --out demo
    """
    from reseen.demo.tour import Demo, run_demo
    from reseen.run_folder import Run

    with StageBars() as bars:
        results = run_demo(Demo(out, device), [show_training(bars, Run(out / "run"))], bars)
    for name, evaluation in results.evaluations().items():
        found = evaluation.metrics
        give(f"{name:>9}: recall@1 {found.recall1:6.1%}, mAP {found.mAP:6.1%}")
    if results.learnt is None:
        say("training and export were skipped: pip install '.[export]' in a clone of reseen adds what they need")
    elif results.learnt.bundle is None:
        say("export was skipped: pip install '.[export]' in a clone of reseen adds what it needs")
    else:
        (model,) = results.learnt.bundle.description.models
        give(f"   bundle: agrees with the network to {model.parity.max_error:.0e} in every number")
    say(f"done in {results.seconds:.0f} s; look at {out / 'report.html'}")
