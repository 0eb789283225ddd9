from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Reseen = Callable[..., Any]
WellTold = Callable[[Any], bool]


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    folder = tmp_path / "crops"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for name in "abcdef":
        Image.fromarray(draw.integers(0, 256, (20, 10, 3), dtype=np.uint8)).save(folder / f"{name}.png")
    return folder


def test_a_ranked_list_for_each_query_without_the_query(crops: Path, small_bundle: Path, reseen: Reseen) -> None:
    answer = reseen("search", crops / "a.png", crops / "b.png", "--in", crops, "--bundle", small_bundle, "-k", "3")

    assert answer.code == 0
    lines = answer.out.splitlines()
    assert len(lines) == 10
    assert lines[0] == f"{crops / 'a.png'}:"
    assert lines[1] == f"  left out, it is the query itself: {crops / 'a.png'}"
    assert [int(line.split()[0]) for line in lines[2:5]] == [1, 2, 3]
    scores = [float(line.split()[1]) for line in lines[2:5]]
    assert scores == sorted(scores, reverse=True)
    assert "no verdicts: this model has no calibration" in answer.err


def test_json_and_page_hold_verdicts_of_a_calibrated_bundle(
    crops: Path, calibrated_bundle: Path, reseen: Reseen, tmp_path: Path
) -> None:
    page = tmp_path / "found.html"

    answer = reseen("search", crops / "a.png", "--in", crops, "--bundle", calibrated_bundle, "--output", page, "--json")

    assert answer.code == 0
    result = json.loads(answer.out)
    (query,) = result["queries"]
    assert result["images"] == 6
    assert query["people_assumed"] == 5
    assert query["left_out"] == [str(crops / "a.png")]
    assert [match["rank"] for match in query["matches"]] == [1, 2, 3, 4, 5]
    assert {match["verdict"]["answer"] for match in query["matches"]} <= {"same", "unsure", "different"}
    assert "each image is counted as a different person" in answer.err
    assert len(re.findall("<figure", page.read_text(encoding="utf-8"))) == 6


def test_people_and_rate_of_a_search_are_kept(crops: Path, calibrated_bundle: Path, reseen: Reseen) -> None:
    command = ["search", crops / "a.png", "--in", crops, "--bundle", calibrated_bundle, "--json"]
    few, strict = (
        reseen(*command, *options)
        for options in (["--people", "2", "--rate", "0.1"], ["--people", "2", "--rate", "0.01"])
    )

    assert "counted as a different person" not in few.err
    queries = [json.loads(answer.out)["queries"][0] for answer in (few, strict)]
    assert [query["people_assumed"] for query in queries] == [2, 2]
    thresholds = [query["matches"][0]["verdict"]["same_from"] for query in queries]
    assert thresholds[0] < thresholds[1]
    assert reseen(*command, "--rate", "1.5").code == 2
    assert reseen(*command, "--people", "0").code == 2


def test_terms_are_said_with_the_shipped_model_and_stand_on_its_page(
    crops: Path, reseen: Reseen, tmp_path: Path
) -> None:
    page = tmp_path / "found.html"
    answer = reseen("search", crops / "a.png", "--in", crops, "--output", page)
    assert "terms of default: research use only: " in answer.err
    assert "research use only: " in page.read_text(encoding="utf-8")


def test_a_broken_image_fails_unless_it_may_be_skipped(crops: Path, small_bundle: Path, reseen: Reseen) -> None:
    (crops / "b.png").write_bytes(b"torn")
    command = ["search", crops / "a.png", "--in", crops, "--bundle", small_bundle]

    failed, skipped = reseen(*command), reseen(*command, "--skip-broken")

    assert (failed.code, skipped.code) == (1, 0)
    assert failed.out == skipped.out
    assert len(failed.out.splitlines()) == 6
    assert "b.png is not an image" in failed.err


def test_an_empty_folder_ends_with_2(
    crops: Path, small_bundle: Path, reseen: Reseen, tmp_path: Path, well_told: WellTold
) -> None:
    (tmp_path / "empty").mkdir()

    answer = reseen("search", crops / "a.png", "--in", tmp_path / "empty", "--bundle", small_bundle)

    assert answer.code == 2
    assert well_told(answer)
