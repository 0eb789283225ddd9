"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from reseen.cli import arguments
from reseen.cli.arguments import Argument


def option(argument: Argument) -> Any:
    """What typer is told of an argument."""
    return typer.Option(*argument.flags, metavar=argument.metavar, help=argument.help)


RecipeOption = Annotated[str, option(arguments.CONFIG)]
OverrideOption = Annotated[list[str] | None, option(arguments.OVERRIDE)]
DATASET = arguments.DATA.help
DataOption = Annotated[list[Path], option(arguments.DATA)]
DeviceOption = Annotated[str, option(arguments.DEVICE)]
JsonOption = Annotated[bool, option(arguments.JSON)]
MemoryOption = Annotated[
    float | None,
    typer.Option(
        "--memory", metavar="GB", min=0.01, help="Memory limit of re-ranking, on top of the features. [default: 4]"
    ),
]
