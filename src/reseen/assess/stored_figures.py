"""The headline figures of an evaluation, read back from its `metrics.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, RootModel

from reseen.errors import UsageError
from reseen.strict import read_json

FIGURES = ("recall1", "recall5", "recall10", "mAP", "mINP")
ONE = "evaluation"
"""What the figures of a single dataset go by, whose name the file does not hold."""
MAX_BYTES = 64 * 2**20


class _Headline(BaseModel):
    """The figures of one dataset, of those that are there."""

    recall1: float
    recall5: float
    recall10: float
    mAP: float  # noqa: N815 - the field's word
    mINP: float  # noqa: N815


class _Metrics(RootModel[_Headline | Mapping[str, _Headline]]):
    """What `metrics.json` holds."""


def read_figures(path: Path) -> dict[str, dict[str, float]]:
    """The headline figures by the names of datasets.

    Raises:
        UsageError: the file is not one that `reseen evaluate --output` writes.
    """

    def refuse(got: str) -> UsageError:
        return UsageError(
            f"{path} does not hold the figures of an evaluation",
            expected="the metrics.json that reseen evaluate --output DIR writes",
            got=got,
            cure="check the path, or evaluate again",
        )

    stored = read_json(path, _Metrics, MAX_BYTES, refuse).root
    each = {ONE: stored} if isinstance(stored, _Headline) else stored
    return {data: figures.model_dump() for data, figures in each.items()}
