"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeOption = Annotated[
    str, typer.Option("--config", "-c", metavar="RECIPE", help="A shipped recipe's name, or a YAML file.")
]
OverrideOption = Annotated[
    list[str] | None,
    typer.Option(
        "--override", "-o", metavar="a.b=v", help="Change a setting of the recipe; repeatable; the value is YAML."
    ),
]
DATASET = "Market-1501, a CSV or parquet manifest, or a folder per person; repeatable."
DataOption = Annotated[list[Path], typer.Option("--data", metavar="PATH", help=DATASET)]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:N, mps, or auto.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]
MemoryOption = Annotated[
    float | None,
    typer.Option("--memory", metavar="GB", min=0.01, help="Re-rank in this much memory beside the features. [4]"),
]
