"""A calibration says whom it was measured on, and is read back exactly or refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reseen.calibration import calibration as module
from reseen.calibration.calibration import (
    MAX_BYTES,
    MAX_NAME,
    Calibration,
    calibrate,
    read_calibration,
    write_calibration,
)
from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.pair_calibration import calibrate_pairs
from reseen.calibration.search_calibration import calibrate_search
from reseen.errors import FeaturesError
from reseen.scores import blocks

DrawnPeople = Callable[..., CalibrationSet]


@pytest.fixture(scope="module")
def held(drawn_people: DrawnPeople) -> CalibrationSet:
    return drawn_people(50, 6)


@pytest.fixture(scope="module")
def calibration(held: CalibrationSet) -> Calibration:
    return calibrate(held)


def test_it_holds_both_answers_and_whom_they_were_measured_on(held: CalibrationSet, calibration: Calibration) -> None:
    source = calibration.source

    assert (source.name, source.sha256) == ("drawn", held.sha256)
    assert (source.people, source.images, source.cameras, source.dimensions) == (50, 300, 3, 24)
    assert calibration.pairs == calibrate_pairs(held)
    assert calibration.search == calibrate_search(held)
    assert calibrate(held, "mean_feature").search == calibrate_search(held, "mean_feature")


def test_unknown_cameras_are_not_counted(held: CalibrationSet) -> None:
    unknown = CalibrationSet.of("drawn", held.features, held.persons, None)
    assert calibrate(unknown).source.cameras == 0


def test_it_is_read_back_exactly(calibration: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    write_calibration(path, calibration)

    assert read_calibration(path) == calibration
    assert json.loads(path.read_text(encoding="utf-8"))["format"] == 2


def test_a_file_of_format_1_is_still_read(calibration: Calibration, tmp_path: Path) -> None:
    content = calibration.model_dump(mode="json") | {"format": 1}
    del content["held_back"]
    for key in ("one_image", "tail"):
        del content["search"][key]
    (tmp_path / "old.json").write_text(json.dumps(content), encoding="utf-8")

    old = read_calibration(tmp_path / "old.json")

    assert (old.pairs, old.search.thresholds) == (calibration.pairs, calibration.search.thresholds)
    assert (old.held_back, old.search.one_image, old.search.tail) == (None, None, None)


def changed(calibration: Calibration, path: Path, **changes: Any) -> Path:
    path.write_text(json.dumps(calibration.model_dump(mode="json") | changes), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        ({"format": 3}, "format: "),
        ({"source": None}, "source: "),
        ({"note": "mine"}, "note: Extra inputs"),
    ],
)
def test_another_file_is_refused(calibration: Calibration, tmp_path: Path, changes: dict[str, Any], got: str) -> None:
    with pytest.raises(FeaturesError, match=rf"cannot read the calibration in .*other.json(.|\n)*got: {got}"):
        read_calibration(changed(calibration, tmp_path / "other.json", **changes))


def test_it_tells_how_far_it_has_come(held: CalibrationSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_SCORES", 30_000)
    told: dict[str, list[tuple[int, int]]] = {}

    calibrate(held, progress=lambda stage, done, total: told.setdefault(stage, []).append((done, total)))

    searches = len(set(zip(held.persons.tolist(), held.cameras.tolist(), strict=True)))
    assert list(told) == ["pairs", "searches"]
    for steps, total in zip(told.values(), (600, 10 * searches), strict=True):
        assert len(steps) > 2
        assert steps == sorted(steps)
        assert steps[-1] == (total, total)
        assert {each for _, each in steps} == {total}


def test_more_images_than_can_be_compared_are_refused(held: CalibrationSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_IMAGES", 299)
    with pytest.raises(FeaturesError, match=r"too many images(.|\n)*at most 299(.|\n)*got: 300"):
        calibrate(held)


Edit = Callable[[dict[str, Any]], object]


def strict_at(points: list[dict[str, Any]], further: float) -> None:
    """Give the second operating point what the first has, but for a threshold further up or down."""
    points[1] = points[0] | {"target": points[1]["target"], "threshold": points[0]["threshold"] + further}


@pytest.mark.parametrize(
    ("edit", "got"),
    [
        (lambda c: c["search"]["thresholds"][0]["fpir"].pop(), "search.thresholds.0: rates without intervals"),
        (lambda c: c["search"].update(people=c["search"]["people"][::-1]), "search: people that do not ascend"),
        (lambda c: c["search"].update(people=[]), "search.people: "),
        (lambda c: c["search"].update(thresholds=[]), "search.thresholds: "),
        (lambda c: c["search"]["thresholds"].reverse(), "search: thresholds that do not ascend"),
        (lambda c: c["search"]["thresholds"][0].update(threshold=1e308), "search.thresholds.0.threshold: "),
        (lambda c: c["search"]["thresholds"][0].update(errors=29), "search.thresholds.0: 29 errors"),
        (lambda c: c["search"]["thresholds"][0]["low"].__setitem__(0, 1), "search.thresholds.0: a rate outside"),
        (lambda c: c["search"]["thresholds"][0]["fpir"].__setitem__(0, 1), "search.thresholds.0: a rate outside"),
        (lambda c: c["search"]["thresholds"][0]["fpir"].reverse(), "search.thresholds.0: "),
        (lambda c: c["search"].update(images_per_person=-4.0), "search.images_per_person: "),
        (lambda c: c["pairs"].update(match=[]), "pairs.match: "),
        (lambda c: c["pairs"]["match"].reverse(), "pairs: targets that do not descend"),
        (lambda c: c["search"]["people"].pop(), "search: a rate for each number of people"),
        (lambda c: strict_at(c["pairs"]["match"], -0.1), "pairs: thresholds in another order than"),
        (lambda c: strict_at(c["pairs"]["non_match"], 0.1), "pairs: thresholds in another order than"),
        (lambda c: c["pairs"]["match"][0].update(threshold=-2), "pairs.match.0.threshold: "),
        (lambda c: c["pairs"]["match"][0].update(supported=False), "pairs.match.0: a threshold without support"),
        (lambda c: c["pairs"]["match"][0].update(false_match_rate=None), "pairs.match.0: support without"),
        (lambda c: c["pairs"]["match"][0].update(errors=29), "pairs.match.0: 29 errors of "),
        (
            lambda c: c["pairs"]["match"][0].update(true_match_rate=[0.5, 0.6, 0.7]),
            "pairs.match.0.true_match_rate: a rate outside",
        ),
        (lambda c: c["source"].update(name="x" * 3_000_000), "source.name: "),
    ],
)
def test_p11_a_calibration_that_contradicts_itself_is_refused(
    calibration: Calibration, tmp_path: Path, edit: Edit, got: str
) -> None:
    content = calibration.model_dump(mode="json")
    edit(content)
    path = tmp_path / "tampered.json"
    path.write_text(json.dumps(content), encoding="utf-8")

    with pytest.raises(FeaturesError, match=rf"cannot read the calibration(.|\n)*got: {got}"):
        read_calibration(path)


def test_the_name_of_a_set_is_kept_as_far_as_it_can_be_written(held: CalibrationSet, tmp_path: Path) -> None:
    named = CalibrationSet.of("bad\udcff" + "x" * 5000, held.features, held.persons, held.cameras)
    write_calibration(tmp_path / "named.json", calibrate(named))

    assert read_calibration(tmp_path / "named.json").source.name == "bad?" + "x" * (MAX_NAME - 4)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b" " * (MAX_BYTES + 1)])
def test_p11_a_damaged_or_endless_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged.json"
    path.write_bytes(content)
    with pytest.raises(FeaturesError, match=r"cannot read the calibration"):
        read_calibration(path)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")  # nobody ever writes into it
    for path in (tmp_path, tmp_path / "missing.json", tmp_path / "pipe.json"):
        with pytest.raises(FeaturesError, match=r"cannot read the calibration"):
            read_calibration(path)


def test_the_largest_calibration_is_read_back(calibration: Calibration, tmp_path: Path) -> None:
    # A million people: 62 sizes, and 8 thresholds a decade from 0.1 down to 30 in a million times a million.
    sizes = tuple(range(1, 63))
    rates = tuple(np.round(np.linspace(0, 1, 62), 6).tolist())
    each = calibration.search.thresholds[0].model_copy(update={"fpir": rates, "low": rates, "high": rates})
    thresholds = tuple(each.model_copy(update={"threshold": place / 100}) for place in range(90))
    search = calibration.search.model_copy(update={"people": sizes, "thresholds": thresholds})
    largest = calibration.model_copy(update={"search": search})
    write_calibration(tmp_path / "largest.json", largest)

    assert read_calibration(tmp_path / "largest.json") == largest
