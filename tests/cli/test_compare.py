from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reseen.engines.load import load

Reseen = Callable[..., Any]
WellTold = Callable[[Any], bool]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "a.png", tmp_path / "b.png"
    for path, colour in zip(paths, ("red", "blue"), strict=True):
        Image.new("RGB", (10, 20), colour).save(path)
    return paths


def test_a_score_without_a_calibration_is_told_as_such(
    pair: tuple[Path, Path], small_bundle: Path, reseen: Reseen
) -> None:
    answer = reseen("compare", *pair, "--bundle", small_bundle)

    assert answer.code == 0
    assert answer.out == f"score {load(small_bundle).compare(*pair).score:.4f}\n"
    assert "no verdicts: this model has no calibration" in answer.err


def test_a_calibrated_bundle_gives_a_verdict(pair: tuple[Path, Path], calibrated_bundle: Path, reseen: Reseen) -> None:
    same = reseen("compare", pair[0], pair[0], "--bundle", calibrated_bundle)
    result = json.loads(reseen("compare", pair[0], pair[0], "--bundle", calibrated_bundle, "--json").out)

    assert same.out.splitlines()[1].startswith("same person · false-match rate ")
    assert same.out.rstrip().endswith("calibrated on drawn")
    assert result["verdict"]["answer"] == "same"
    assert result["verdict"]["calibration"] == "drawn"
    assert 0 <= result["verdict"]["error_rate"] <= 1e-3
    assert result["score"] == pytest.approx(1, abs=1e-5)


def test_the_rate_can_be_chosen_among_those_calibrated(
    pair: tuple[Path, Path], calibrated_bundle: Path, reseen: Reseen, well_told: WellTold
) -> None:
    loose, strict = (
        json.loads(reseen("compare", *pair, "--bundle", calibrated_bundle, "--rate", rate, "--json").out)["verdict"]
        for rate in ("0.01", "0.001")
    )
    unknown = reseen("compare", *pair, "--bundle", calibrated_bundle, "--rate", "0.02")

    assert loose["same_from"] < strict["same_from"]
    assert unknown.code == 2
    assert well_told(unknown)


def test_terms_are_said_with_the_shipped_model(pair: tuple[Path, Path], small_bundle: Path, reseen: Reseen) -> None:
    assert "terms of default: research use only: " in reseen("compare", *pair).err
    assert "terms" not in reseen("compare", *pair, "--bundle", small_bundle).err


def test_both_are_drawn_side_by_side(
    pair: tuple[Path, Path], small_bundle: Path, reseen: Reseen, tmp_path: Path
) -> None:
    answer = reseen("compare", *pair, "--bundle", small_bundle, "--output", tmp_path / "both.png", "--json")

    assert answer.code == 0
    with Image.open(tmp_path / "both.png") as picture:
        assert picture.width > 600
    assert json.loads(answer.out)["verdict"] is None


def test_an_image_that_is_gone_ends_with_1_and_a_bad_output_with_2(
    pair: tuple[Path, Path], small_bundle: Path, reseen: Reseen, tmp_path: Path, well_told: WellTold
) -> None:
    gone = reseen("compare", pair[0], tmp_path / "gone.png", "--bundle", small_bundle)
    page = reseen("compare", *pair, "--bundle", small_bundle, "--output", "both.html")

    assert (gone.code, page.code) == (1, 2)
    assert well_told(gone)
    assert well_told(page)
