"""The figures that go with a bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reseen.assess.stored_figures import ONE, read_figures
from reseen.errors import UsageError

HEADLINE = {"recall1": 0.5, "recall5": 0.6, "recall10": 0.7, "mAP": 0.4, "mINP": 0.1}
FIGURES = HEADLINE | {"queries": 3, "skipped": 0, "rerank": False, "intervals": {}}


def test_one_dataset_s(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps(FIGURES))
    assert read_figures(tmp_path / "metrics.json") == {ONE: HEADLINE}


def test_several_datasets(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({"a": FIGURES, "mean": FIGURES}))
    assert read_figures(tmp_path / "metrics.json") == {"a": HEADLINE, "mean": HEADLINE}


@pytest.mark.parametrize("content", ["", "[]", "3", '{"a": 1}', '{"a": {"mAP": 1}}', '{"recall1": "x"}'])
def test_another_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(UsageError, match="does not hold the figures of an evaluation"):
        read_figures(tmp_path / "metrics.json")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not hold"):
        read_figures(tmp_path / "metrics.json")
