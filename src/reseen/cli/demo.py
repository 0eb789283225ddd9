"""`reseen demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reseen.cli.console import StageBars, give, say
from reseen.cli.options import DeviceOption
from reseen.cli.train import show_training


def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="A folder that is empty or does not exist yet.")
    ] = Path("demo"),
    device: DeviceOption = "auto",
) -> None:
    """Show the whole way in a few minutes: draw people, train, evaluate before and after, export, compare, search.

    Example: reseen demo --out demo
    """
    from reseen.workflows.demo import Demo, run_demo
    from reseen.workflows.device import choose_device

    with StageBars() as bars:
        results = run_demo(Demo(out, choose_device(device)), [show_training(bars)], bars)
    for name, evaluation in (("untrained", results.before), ("trained", results.after)):
        found = evaluation.metrics
        give(f"{name:>9}: recall@1 {found.recall1:6.1%}, mAP {found.mAP:6.1%}")
    if results.bundle is None:
        say("export, compare and search were skipped: pip install 'reseen[export]' adds what they need")
    else:
        give(f"   bundle: agrees with the network to {results.bundle.parity.max_error:.0e} in every number")
    say(f"done in {results.seconds:.0f} s; look at {out / 'report.html'}")
