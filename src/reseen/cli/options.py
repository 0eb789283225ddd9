"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reseen.errors import UsageError

RecipeOption = Annotated[str, typer.Option("--config", "-c", metavar="RECIPE", help="A shipped recipe's name, or a YAML file.")]
OverrideOption = Annotated[
    list[str] | None,
    typer.Option("--override", "-o", metavar="a.b=v", help="Change a setting of the recipe; repeatable; the value is YAML."),
]
DataOption = Annotated[
    Path, typer.Option("--data", metavar="PATH", help="Market-1501, a CSV or parquet manifest, or a folder per person.")
]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:N, mps, or auto.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]


def choose_device(name: str):  # type: ignore[no-untyped-def]  # torch is imported on use
    """The torch device that `--device` names; `auto` is an accelerator when there is one.

    Raises:
        UsageError: there is no such device here.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"--device {name} cannot be used here", expected="cpu, cuda, cuda:N, mps or auto", got=str(error).splitlines()[0]
        ) from None
    return device
