"""The headline figures of an evaluation, read back from its `metrics.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reseen.errors import UsageError
from reseen.files import read_bounded

FIGURES = ("recall1", "recall5", "recall10", "mAP", "mINP")
ONE = "evaluation"
"""What the figures of a single dataset go by, whose name the file does not hold."""
MAX_BYTES = 64 * 2**20


def read_figures(path: Path) -> dict[str, dict[str, float]]:
    """The headline figures by the names of datasets.

    Raises:
        UsageError: the file is not one that `reseen evaluate --output` writes.
    """
    try:
        stored = json.loads(read_bounded(path, MAX_BYTES))
        each = {ONE: stored} if FIGURES[0] in stored else stored
        return {str(data): _headline(figures) for data, figures in each.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path} does not hold the figures of an evaluation",
            expected="the metrics.json that reseen evaluate --output DIR writes",
            got=f"{type(error).__name__}: {error}"[:300],
            cure="check the path, or evaluate again",
        ) from None


def _headline(figures: dict[str, Any]) -> dict[str, float]:
    return {name: float(figures[name]) for name in FIGURES}
