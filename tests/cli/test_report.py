from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reseen.datasets.manifest import Manifest

Reseen = Callable[..., Any]


@pytest.fixture
def evaluation(reseen: Reseen, finished_run: Path, people: Manifest, tmp_path: Path) -> Path:
    """What `reseen evaluate --output` leaves behind."""
    weights = finished_run / "checkpoints" / "best"
    answer = reseen(
        *("evaluate", "-c", finished_run / "recipe.yaml", "--weights", weights, "--data", people.root),
        *("--output", tmp_path / "evaluation"),
    )
    assert answer.code == 0, answer.err
    return tmp_path / "evaluation"


def test_a_report_tells_the_figures_of_the_evaluation(reseen: Reseen, evaluation: Path) -> None:
    figures = json.loads((evaluation / "metrics.json").read_text())
    answer = reseen("report", evaluation, "--json")

    assert answer.code == 0, answer.err
    assert "report.html" in answer.err
    told = json.loads(answer.out)
    assert told["mAP"]["value"] == pytest.approx(figures["mAP"])
    assert told["mAP"]["low"] <= told["mAP"]["value"] <= told["mAP"]["high"]
    html = (evaluation / "report.html").read_text(encoding="utf-8")
    assert f"<b>{figures['recall1'] * 100:.2f} %</b>" in html
    assert "reseen evaluate -c" in html
    assert "data:image/jpeg" in html


def test_a_re_ranked_evaluation_is_reported_and_compared_as_it_was(
    reseen: Reseen, evaluation: Path, finished_run: Path, people: Manifest, tmp_path: Path
) -> None:
    weights = finished_run / "checkpoints" / "best"
    made = reseen(
        *("evaluate", "-c", finished_run / "recipe.yaml", "--weights", weights, "--data", people.root, "--rerank"),
        *("-o", "evaluation.reranking={k1: 5, lambda: 0.1}", "--output", tmp_path / "reranked"),
    )
    figures = json.loads((tmp_path / "reranked" / "metrics.json").read_text())
    answer = reseen("report", tmp_path / "reranked", "--json")
    compared = reseen("report", tmp_path / "reranked", "--against", evaluation, "--json", "--memory", "0.5")
    too_little = reseen("report", tmp_path / "reranked", "--memory", "0.01")

    assert made.code == answer.code == compared.code == 0
    assert json.loads(answer.out)["mAP"]["value"] == pytest.approx(figures["mAP"])
    assert json.loads(compared.out)["mAP"]["value"] == pytest.approx(figures["mAP"])
    assert json.loads(compared.out)["mAP"]["against"] != pytest.approx(figures["mAP"])
    assert too_little.code == 2
    assert "too little memory" in too_little.err


def test_two_evaluations_are_compared(reseen: Reseen, evaluation: Path, tmp_path: Path) -> None:
    answer = reseen("report", evaluation, "--against", evaluation, "--output", tmp_path / "same.html", "--json")

    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert (told["now right"], told["no longer right"], told["mAP"]["certain"]) == (0, 0, False)
    assert "two evaluations" in (tmp_path / "same.html").read_text(encoding="utf-8")


def test_figures_are_told_in_words(reseen: Reseen, evaluation: Path, tmp_path: Path) -> None:
    value = json.loads((evaluation / "metrics.json").read_text())["mAP"] * 100
    alone = reseen("report", evaluation)
    compared = reseen("report", evaluation, "--against", evaluation, "--output", tmp_path / "same.html")

    (told,) = [line for line in alone.out.splitlines() if line.startswith("mAP")]
    assert re.fullmatch(rf"mAP: {value:.2f} % \(\d+\.\d\d to \d+\.\d\d\)", told)
    assert f"mAP: {value:.2f} % against {value:.2f} %, +0.00 points (+0.00 to +0.00: not significant)" in compared.out
    assert compared.out.splitlines()[-2:] == ["now right: 0", "no longer right: 0"]


def test_a_folder_without_an_evaluation_says_how_to_make_one(reseen: Reseen, finished_run: Path) -> None:
    answer = reseen("report", finished_run)

    assert answer.code == 2
    assert "holds no evaluation" in answer.err
    assert f"reseen evaluate -c {finished_run}/recipe.yaml" in answer.err
