"""A calibration says whom it was measured on, and is read back exactly or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reseen.errors import FeaturesError
from reseen.evaluation.calibration import MAX_BYTES, Calibration, calibrate, read_calibration, write_calibration
from reseen.evaluation.calibration_set import CalibrationSet
from reseen.evaluation.pair_calibration import calibrate_pairs
from reseen.evaluation.search_calibration import calibrate_search

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
    assert json.loads(path.read_text(encoding="utf-8"))["format"] == 1


def test_it_tells_why_a_rate_cannot_be_told(drawn_people: DrawnPeople) -> None:
    made = drawn_people(30, 8)
    alike = np.where(made.owners < 2, 1, 0)[:, None]
    features = np.where(alike, np.ones(24) + 0.01 * made.features, made.features)
    lines = calibrate(CalibrationSet.of("twins", features, made.persons, None)).lines()

    (few,) = [line for line in lines if "same, wrong for 0.0001" in line]
    (twins,) = [line for line in lines if "same, wrong for 0.001 " in line]

    assert few.endswith("cannot be told, 0 such pairs are too few")
    assert twins.endswith("cannot be told, the 64 such pairs are mostly of 2 people, and 10 are needed")


def changed(calibration: Calibration, path: Path, **changes: Any) -> Path:
    path.write_text(json.dumps(calibration.model_dump(mode="json") | changes), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        ({"format": 2}, "format: "),
        ({"source": None}, "source: "),
        ({"note": "mine"}, "note: Extra inputs"),
    ],
)
def test_another_file_is_refused(calibration: Calibration, tmp_path: Path, changes: dict[str, Any], got: str) -> None:
    with pytest.raises(FeaturesError, match=rf"cannot read the calibration in .*other.json(.|\n)*got: {got}"):
        read_calibration(changed(calibration, tmp_path / "other.json", **changes))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b" " * (MAX_BYTES + 1)])
def test_p11_a_damaged_or_endless_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged.json"
    path.write_bytes(content)
    with pytest.raises(FeaturesError, match=r"cannot read the calibration"):
        read_calibration(path)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.json"):
        with pytest.raises(FeaturesError, match=r"cannot read the calibration"):
            read_calibration(path)


def test_the_largest_calibration_is_read_back(calibration: Calibration, tmp_path: Path) -> None:
    # A million people: 62 sizes, and 8 thresholds a decade from 0.1 down to 30 in a million times a million.
    sizes = tuple(range(1, 63))
    rates = tuple(np.round(np.linspace(0, 1, 62), 6).tolist())
    threshold = calibration.search.thresholds[0].model_copy(update={"fpir": rates, "low": rates, "high": rates})
    search = calibration.search.model_copy(update={"people": sizes, "thresholds": (threshold,) * 90})
    largest = calibration.model_copy(update={"search": search})
    write_calibration(tmp_path / "largest.json", largest)

    assert read_calibration(tmp_path / "largest.json") == largest
