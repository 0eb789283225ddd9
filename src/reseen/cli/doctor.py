"""`reseen doctor`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from reseen.cli.console import fold, give, visible
from reseen.cli.options import JsonOption

if TYPE_CHECKING:
    from reseen.doctor.finding import Finding

STATUS = len("problem") + 2
STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}


def doctor(
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Folder where runs would be written.")
    ] = Path(),
    weights: Annotated[
        list[Path] | None, typer.Option("--weights", metavar="FILE", help="A weights file to check. Repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the installation and suggest a fix for each problem.

    Looks at versions, devices, disk, memory, weights and ports. The exit code is 1 if there is a problem.

    Example: reseen doctor --output runs --weights resnet50.safetensors
    """
    from reseen.doctor.checks import examine

    findings = examine(output, Path(tempfile.gettempdir()), weights or [])
    problems = sum(each.status == "problem" for each in findings)
    if as_json:
        give({"problems": problems, "findings": [asdict(each) for each in findings]})
    else:
        _show(findings)
        give(f"{problems} problems" if problems != 1 else "1 problem")
    if problems:
        raise typer.Exit(1)


def _show(findings: Sequence[Finding]) -> None:
    """Print a line for each finding, and its cure below it; in colours where stdout is a terminal."""
    stdout = Console(highlight=False, soft_wrap=True)
    margin = STATUS + max(len(each.name) for each in findings) + 2
    for each in findings:
        line = Text(fold(f"{each.status:<{STATUS}}{each.name}", visible(each.text), margin))
        line.stylize(STYLES[each.status], 0, STATUS)
        stdout.print(line)
        if each.cure:
            stdout.print(Text(fold("", f"cure: {visible(each.cure)}", margin)))
