"""Records to make pages of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from docs_pages.results.record import Figures, Record

MakeRecord = Callable[..., Record]


def figures(recall1: float, mean_ap: float) -> Figures:
    return Figures(recall1=recall1, recall5=0.9, recall10=0.95, mAP=mean_ap, mINP=0.1)


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    """A record of a small run, but for what is given; `mean_ap` is that of the people set aside."""

    def make(
        *, recall1: float = 0.5, mean_ap: float | None = None, reranked: float | None = None, **more: Any
    ) -> Record:
        usual: dict[str, Any] = {
            "name": "small",
            "words": "small",
            "dataset": "Market-1501",
            "model": "osnet (width 0.25)",
            "init": "scratch",
            "height": 128,
            "width": 64,
            "epochs": 10,
            "seed": 0,
            "weights": "epoch 10, the last",
            "figures": figures(recall1, 0.25),
            "calibration_people": None if mean_ap is None else figures(0.8, mean_ap),
            "reranked": None if reranked is None else figures(reranked, 0.4),
            "training_seconds": 600.0,
            "evaluation_seconds": 30.0,
            "machine": "a processor",
            "starter": "reseen",
            "recipe": "osnet_x0_25",
            "overrides": ("preprocess.height=128", "preprocess.width=64"),
            "data": ("Market-1501-v15.09.15",),
        }
        return Record(**(usual | more))

    return make
