from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reseen.assess.features import read_calibration_set
from reseen.bundle.bundle import open_bundle
from reseen.calibration.calibration import read_calibration
from reseen.datasets.manifest import Manifest
from reseen.errors import DatasetError, UsageError
from reseen.synthetic import Plan, synthesise
from reseen.verbs.calibrate import calibrate


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """Forty people, six images each, by three cameras, there to calibrate on."""
    draw = np.random.default_rng(0)
    persons = np.repeat(np.arange(1, 41), 6)
    path = tmp_path / "features.npz"
    np.savez(
        path,
        features=draw.standard_normal((41, 16))[persons] + 0.6 * draw.standard_normal((240, 16)),
        persons=persons,
        cameras=draw.integers(0, 3, 240),
        role=np.array("calibration"),
    )
    return path


@pytest.fixture
def own_people(tmp_path: Path) -> Path:
    """A folder for each of thirty drawn people."""
    drawn = synthesise(
        tmp_path / "drawn", Plan(persons=30, test_persons=2, cameras=2, images_per_camera=4, height=64, width=32)
    )
    for sample in drawn.split("train"):
        (tmp_path / "own" / sample.person).mkdir(parents=True, exist_ok=True)
        shutil.copy(sample.path, tmp_path / "own" / sample.person)
    return tmp_path / "own"


def test_stored_features_are_calibrated_on_and_nothing_is_written_unless_asked(features: Path, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())

    found = calibrate(features=features)
    assert set(tmp_path.iterdir()) == before
    kept = calibrate(features=features, output=tmp_path / "new" / "calibration.json")

    assert found.source.people == 40
    assert read_calibration(tmp_path / "new" / "calibration.json") == kept == found


def test_a_bundle_keeps_its_calibration_unless_a_file_is_named(
    own_people: Path, small_bundle: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(small_bundle, tmp_path / "bundle"))

    apart = calibrate(bundle, own_people, output=tmp_path / "c.json", save_features=tmp_path / "held.npz")
    assert open_bundle(bundle).calibration is None
    inside = calibrate(str(bundle), own_people)

    kept = open_bundle(bundle).calibration
    assert kept is not None
    assert read_calibration(kept) == inside
    assert inside.source.name == "30 people of own"
    assert inside.source.images == 240
    assert apart.source.sha256 == read_calibration_set(tmp_path / "held.npz").sha256


def test_the_bundle_that_comes_with_reseen_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the bundle that comes with reseen cannot be changed"):
        calibrate("default", tmp_path)


def test_a_run_that_set_nobody_aside_cannot_be_calibrated(finished_run: Path, people: Manifest) -> None:
    with pytest.raises(DatasetError, match="kept nobody aside for calibration"):
        calibrate(finished_run, people)


def test_people_who_are_evaluated_are_refused(small_bundle: Path, people: Manifest, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has train, query and gallery parts"):
        calibrate(small_bundle, people, output=tmp_path / "c.json")
    other = Manifest("b", tmp_path, people.samples)
    with pytest.raises(UsageError, match="several --data need the recipe"):
        calibrate(small_bundle, [people, other], output=tmp_path / "c.json")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"features": "f.npz", "weights": "best"},
        {"features": "f.npz", "save_features": "g.npz"},
        {"features": "f.npz", "data": "."},
        {"recipe": "tiny", "weights": "best"},
        {"weights": "best", "data": "."},
    ],
    ids=lambda given: " ".join(given) or "nothing",
)
def test_what_is_not_clear_is_refused(given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="not clear what to calibrate on"):
        calibrate(**given, output="c.json")


@pytest.mark.parametrize("place", ["output", "save_features"])
def test_a_place_that_cannot_be_written_is_told_before_the_work(place: str, tmp_path: Path) -> None:
    given: dict[str, Any] = {place: tmp_path}
    with pytest.raises(UsageError, match="cannot be a file"):
        calibrate(features="not-read", **given)
