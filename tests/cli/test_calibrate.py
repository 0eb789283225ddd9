from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from reseen.assess.features import read_calibration_set
from reseen.bundle.bundle import open_bundle, write_bundle
from reseen.calibration.calibration import read_calibration
from reseen.datasets.holdout import hold_out_for_calibration, people_hash
from reseen.datasets.manifest import Manifest
from reseen.datasets.open import open_dataset
from reseen.synthetic import Plan, synthesise

Reseen = Callable[..., Any]
WellTold = Callable[[Any], bool]


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """Forty people, six images each, by three cameras, there to calibrate on."""
    draw = np.random.default_rng(0)
    persons = np.repeat(np.arange(1, 41), 6)
    centres = draw.standard_normal((41, 16))
    path = tmp_path / "features.npz"
    np.savez(
        path,
        features=(centres[persons] + 0.6 * draw.standard_normal((240, 16))).astype(np.float32),
        persons=persons,
        cameras=draw.integers(0, 3, 240),
        role=np.array("calibration"),
    )
    return path


def test_stored_features_become_a_calibration(features: Path, reseen: Reseen, tmp_path: Path) -> None:
    output = tmp_path / "calibration.json"

    answer = reseen("calibrate", "--features", features, "--output", output)

    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0] == "calibrated on features.npz: 40 people, 240 images, 3 cameras"
    assert [line.partition(":")[0].strip() for line in lines[2:8]] == [
        "same",
        "same at FMR 0.10 %",
        "same at FMR 0.010 %",
        "different",
        "different at FNMR 1.0 %",
        "different at FNMR 0.10 %",
    ]
    assert "not enough data" in lines[4]
    assert any(line.startswith("  38 people, FPIR 1.0 %: ") for line in lines)
    calibration = read_calibration(output)
    assert calibration.source.people == 40
    assert calibration.search.scoring == "best_image"


def test_json_is_what_is_written_and_the_scoring_rule_can_be_chosen(
    features: Path, reseen: Reseen, tmp_path: Path
) -> None:
    output = tmp_path / "calibration.json"

    answer = reseen("calibrate", "--features", features, "--output", output, "--scoring", "mean-feature", "--json")

    assert json.loads(answer.out) == json.loads(output.read_text(encoding="utf-8"))
    assert json.loads(answer.out)["search"]["scoring"] == "mean_feature"


def weights_that_tell(source: Path, path: Path, set_aside: Manifest) -> Path:
    """Weights, as if their training had set these people aside."""
    with safe_open(source.with_suffix(".safetensors"), framework="pt") as file:
        header = dict(file.metadata())
    save_file(load_file(source.with_suffix(".safetensors")), path, header | {"set_aside": people_hash(set_aside)})
    return path


def test_weights_are_calibrated_on_the_people_whom_their_training_set_aside(
    finished_run: Path, reseen: Reseen, tmp_path: Path, well_told: WellTold
) -> None:
    people, recipe = tmp_path / "people", tmp_path / "recipe.yaml"
    assert reseen("data", "synth", people, "--persons", "24", "--test-persons", "2", "--images", "2").code == 0
    text = (finished_run / "recipe.yaml").read_text(encoding="utf-8")
    recipe.write_text(text.replace("calibration_share: 0.0", "calibration_share: 0.5"), encoding="utf-8")
    best = finished_run / "checkpoints" / "best"
    told = weights_that_tell(
        best, tmp_path / "w.safetensors", hold_out_for_calibration(open_dataset(people), 0.5).calibration
    )
    output, saved = tmp_path / "calibration.json", tmp_path / "features.npz"

    common = ["calibrate", "--data", people, "--output", output]
    answer = reseen(*common, "-c", recipe, "--weights", told, "--save-features", saved)
    assert answer.code == 0, answer.err
    calibration = read_calibration(output)
    assert " people set aside from " in calibration.source.name
    assert 3 <= calibration.source.people < 24
    assert calibration.source.images == calibration.source.people * 8
    assert calibration.source.sha256 == read_calibration_set(saved).sha256
    for trained_with, weights, why in (
        (finished_run / "recipe.yaml", told, "kept nobody aside"),
        (recipe, best, "was not trained with these people kept aside"),
    ):
        refused = reseen(*common, "-c", trained_with, "--weights", weights)
        assert refused.code == 2
        assert why in refused.err
        assert well_told(refused)


def test_people_who_are_evaluated_are_refused(
    features: Path, reseen: Reseen, well_told: WellTold, tmp_path: Path
) -> None:
    arrays = dict(np.load(features))
    for role in ("evaluation", None):
        stored: dict[str, Any] = {name: array for name, array in arrays.items() if name != "role"}
        stored |= {"splits": np.array(["query", "gallery"] * 120), **({"role": np.array(role)} if role else {})}
        np.savez(tmp_path / "reported.npz", **stored)

        answer = reseen("calibrate", "--features", tmp_path / "reported.npz", "--output", tmp_path / "c.json")

        assert answer.code == 2
        assert "is not meant for calibration" in answer.err
        assert well_told(answer)
        assert not (tmp_path / "c.json").exists()


def test_people_who_are_evaluated_calibrate_only_where_that_is_asked_for_by_name(
    features: Path, reseen: Reseen, tmp_path: Path
) -> None:
    arrays = dict(np.load(features))
    stored = arrays | {"splits": np.array(["query", "gallery"] * 120), "role": np.array("evaluation")}
    np.savez(tmp_path / "reported.npz", **stored)

    answer = reseen(
        "calibrate",
        "--features",
        tmp_path / "reported.npz",
        "--on",
        "evaluation-people",
        "--output",
        tmp_path / "c.json",
    )

    assert answer.code == 0, answer.err
    found = read_calibration(tmp_path / "c.json")
    assert found.source.name == "the evaluation people of reported.npz"
    assert found.held_back is not None
    assert found.held_back.people == 40
    assert "held back (half of the 40 people calibrates, the other half is measured, both ways):" in answer.out


def test_a_bundle_is_calibrated_on_the_people_of_query_and_gallery(
    reseen: Reseen, well_told: WellTold, small_bundle: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(small_bundle, tmp_path / "bundle"))
    plan = Plan(persons=3, test_persons=60, cameras=2, images_per_camera=4, height=64, width=32)
    drawn = synthesise(tmp_path / "market", plan)
    on = ("--on", "evaluation-people")

    answer = reseen("calibrate", "--bundle", bundle, "--data", drawn.root, *on, "--json")

    assert answer.code == 0, answer.err
    source = json.loads(answer.out)["source"]
    assert source["name"] == "the 60 evaluation people of Market-1501"
    assert (source["people"], source["cameras"]) == (60, 2)
    assert json.loads(answer.out)["held_back"]["people"] == 60
    unclear = reseen("calibrate", "--bundle", bundle, "-c", "tiny", "--data", drawn.root, *on)
    assert unclear.code == 2
    assert well_told(unclear)


def test_a_bundle_is_calibrated_on_people_of_one_s_own(
    reseen: Reseen, well_told: WellTold, small_bundle: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(small_bundle, tmp_path / "bundle"))
    own, reported = tmp_path / "own", tmp_path / "reported"
    drawn = synthesise(reported, Plan(persons=30, test_persons=2, cameras=2, images_per_camera=4, height=64, width=32))
    for sample in drawn.split("train"):
        (own / sample.person).mkdir(parents=True, exist_ok=True)
        (own / sample.person / sample.path.name).write_bytes(sample.path.read_bytes())

    answer = reseen("calibrate", "--bundle", bundle, "--data", own, "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["source"]["name"] == "30 people of own"
    calibration = open_bundle(bundle).calibration
    assert calibration is not None
    assert read_calibration(calibration).source.images == 240

    shipped = reseen("calibrate", "--bundle", "default", "--data", own)
    assert shipped.code == 2
    assert "the bundle that comes with reseen cannot be changed" in shipped.err
    assert well_told(shipped)

    refused = reseen("calibrate", "--bundle", bundle, "--data", reported)
    assert refused.code == 2
    assert "has train, query and gallery parts" in refused.err
    assert well_told(refused)


def test_a_bundle_is_calibrated_on_the_people_whom_training_set_aside(
    reseen: Reseen, people: Manifest, small_bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipe.yaml").write_text("extends: tiny\ndata: {calibration_share: 0.5}\n")
    bundle = open_bundle(Path(shutil.copytree(small_bundle, tmp_path / "bundle")))
    options = ["-c", tmp_path / "recipe.yaml", "--data", people.root, "--save-features", tmp_path / "held.npz"]
    refused = reseen("calibrate", "--bundle", bundle.folder, *options)
    assert refused.code == 2
    assert "was not trained with these people kept aside" in refused.err

    told = people_hash(hold_out_for_calibration(people, 0.5).calibration)
    write_bundle(bundle.folder, bundle.description.model_copy(update={"set_aside": told}), {})
    answer = reseen("calibrate", "--bundle", bundle.folder, *options)

    assert read_calibration_set(tmp_path / "held.npz").people == 3
    assert answer.code == 2  # three people are too few for any threshold, and that is said
    assert "error:" in answer.err


@pytest.mark.parametrize("option", ["--output", "--save-features"])
def test_a_place_that_cannot_be_written_is_told_before_the_work(option: str, reseen: Reseen, tmp_path: Path) -> None:
    places = {"--output": tmp_path / "calibration.json", "--save-features": tmp_path / "held.npz"} | {option: tmp_path}
    answer = reseen("calibrate", "--features", "not-read.npz", *(part for place in places.items() for part in place))

    assert answer.code == 2
    assert f"{tmp_path} cannot be a file" in answer.err


@pytest.mark.parametrize("options", [[], ["--features", "f.npz"]])
def test_a_calibration_without_a_place_is_refused(options: list[str], reseen: Reseen, well_told: WellTold) -> None:
    answer = reseen("calibrate", *options)
    assert answer.code == 2
    assert "no place to write the calibration" in answer.err
    assert well_told(answer)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--features", "f.npz", "--weights", "best"],
        ["--features", "f.npz", "--save-features", "g.npz"],
        ["-c", "tiny", "--weights", "best"],
    ],
)
def test_options_that_do_not_go_together_end_with_2(options: list[str], reseen: Reseen, well_told: WellTold) -> None:
    answer = reseen("calibrate", *options, "--output", "c.json")

    assert answer.code == 2
    assert "not clear what to calibrate on" in answer.err
    assert well_told(answer)
