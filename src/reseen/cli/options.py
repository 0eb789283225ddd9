"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeOption = Annotated[
    str, typer.Option("--config", "-c", metavar="RECIPE", help="Name of a shipped recipe, or a YAML file.")
]
OverrideOption = Annotated[
    list[str] | None,
    typer.Option(
        "--override", "-o", metavar="KEY=VALUE", help="Change a setting of the recipe, such as seed=1. Repeatable."
    ),
]
DATASET = "Dataset: Market-1501, a CSV or parquet manifest, or one folder per person. Repeatable."
DataOption = Annotated[list[Path], typer.Option("--data", metavar="PATH", help=DATASET)]
DeviceOption = Annotated[str, typer.Option("--device", metavar="DEVICE", help="cpu, cuda, cuda:N, mps, or auto.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
MemoryOption = Annotated[
    float | None,
    typer.Option(
        "--memory", metavar="GB", min=0.01, help="Memory limit of re-ranking, on top of the features. [default: 4]"
    ),
]
