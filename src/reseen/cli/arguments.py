"""The arguments of `train` and `evaluate`, which have two command lines: with typer, and with the standard library."""

from __future__ import annotations

from typing import NamedTuple


class Argument(NamedTuple):
    """An option of the command line.

    Attributes:
        flags: its names.
        help: what it is for.
        metavar: what stands for its value.
    """

    flags: tuple[str, ...]
    help: str
    metavar: str | None = None


CONFIG = Argument(("--config", "-c"), "Name of a shipped recipe, or a YAML file.", "RECIPE")
OVERRIDE = Argument(("--override", "-o"), "Change a setting of the recipe, such as seed=1. Repeatable.", "KEY=VALUE")
DATA = Argument(
    ("--data",), "Dataset: Market-1501, a CSV or parquet manifest, or one folder per person. Repeatable.", "PATH"
)
EVAL_DATA = Argument(("--eval-data",), "Evaluate on this dataset instead of --data. Repeatable.", "PATH")
RUN = Argument(("--output",), "Folder to write the run to.", "DIR")
RESUME = Argument(("--resume",), "Continue the run in --output.")
SEEDS = Argument(("--seeds",), "Train N runs with different seeds, and report mean ± standard deviation.", "N")
DEVICE = Argument(("--device",), "cpu, cuda, cuda:N, mps, or auto.", "DEVICE")
JSON = Argument(("--json",), "Print one JSON object instead of text.")
