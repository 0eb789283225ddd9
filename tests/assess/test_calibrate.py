from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from reseen.assess.calibrate import add_calibration, calibration_people, embed_calibration_people, own_people
from reseen.assess.extract import extract_features
from reseen.bundle.bundle import open_bundle
from reseen.calibration.calibration import calibrate
from reseen.calibration.calibration_set import CalibrationSet
from reseen.datasets.holdout import hold_out_for_calibration
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Manifest
from reseen.engines.load import load
from reseen.errors import DatasetError, FeaturesError
from reseen.models.load_embedder import load_embedder
from reseen.recipe.schema import Recipe

CPU = torch.device("cpu")
SmallRecipe = Callable[..., Recipe]


def test_the_people_are_those_whom_training_sets_aside_and_nobody_who_is_evaluated(
    people: Manifest, small_recipe: SmallRecipe
) -> None:
    found = calibration_people(small_recipe("data.calibration_share=0.5"), [people])

    assert found == hold_out_for_calibration(people, 0.5).calibration
    persons = {sample.person for sample in found.samples}
    assert len(persons) >= 3
    assert persons < {sample.person for sample in people.split("train")}
    assert not persons & {sample.person for sample in people.split("query") + people.split("gallery")}


def test_each_image_is_embedded_once_with_its_person_and_camera(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe
) -> None:
    recipe, weights = small_recipe("data.calibration_share=0.5"), finished_run / "checkpoints" / "best"
    told: list[tuple[str, int, int]] = []

    embedder = load_embedder(recipe, weights, CPU)
    held = embed_calibration_people(embedder, calibration_people(recipe, [people]), lambda *stage: told.append(stage))

    samples = hold_out_for_calibration(people, 0.5).calibration.split("gallery")
    order = np.argsort([sample.person for sample in samples], kind="stable")
    features = extract_features(embedder, [samples[place].path for place in order])
    np.testing.assert_allclose(held.features, features, atol=1e-6)
    assert held.cameras.tolist() == [int(samples[place].camera or 0) - 1 for place in order]
    assert (held.people, held.name) == (3, f"3 people set aside from {people.name}")
    assert ("calibration", len(samples), len(samples)) in told
    assert told[-1] == ("looks", len(samples), len(samples))


def test_several_datasets_give_the_people_that_training_on_all_of_them_sets_aside(
    people: Manifest, small_recipe: SmallRecipe
) -> None:
    other = Manifest("other", people.root, people.samples)

    found = calibration_people(small_recipe("data.calibration_share=0.5"), [people, other])

    names = {sample.person.partition("/")[0] for sample in found.samples}
    assert names <= {people.name, "other"}
    assert len({sample.person for sample in found.samples}) >= 3


def test_a_recipe_that_sets_nobody_aside_is_refused(people: Manifest, small_recipe: SmallRecipe) -> None:
    with pytest.raises(DatasetError, match=r"kept nobody aside(.|\n)*cure: train again with -o data.calibration_share"):
        calibration_people(small_recipe(), [people])


def test_people_of_one_s_own_are_everyone_but_junk(people: Manifest) -> None:
    samples = tuple(replace(sample, split=None) for sample in people.samples)
    found = own_people(replace(people, samples=samples))
    assert {sample.path for sample in found.split("gallery")} == {s.path for s in samples if s.person != JUNK_NAME}
    assert found.name == f"{len({s.person for s in samples} - {JUNK_NAME, DISTRACTOR_NAME})} people of {people.name}"


def test_people_of_an_evaluation_are_not_one_s_own(people: Manifest) -> None:
    with pytest.raises(DatasetError, match=r"has train, query and gallery parts(.|\n)*got: gallery, query, train"):
        own_people(people)


def test_a_bundle_keeps_its_calibration_and_the_features_can_be_compared_still(
    small_bundle: Path, tmp_path: Path
) -> None:
    bundle = open_bundle(Path(shutil.copytree(small_bundle, tmp_path / "bundle")))
    draw = np.random.default_rng(0)
    persons = np.repeat(np.arange(40), 6)
    features = draw.standard_normal((40, 16))[persons] + 0.6 * draw.standard_normal((240, 16))
    held = CalibrationSet.of("drawn", features.astype(np.float32), persons, draw.integers(0, 3, 240))
    add_calibration(bundle, calibrate(held))

    with load(bundle.folder) as embedder:
        assert embedder.calibration == calibrate(held)
        assert embedder.feature_space == bundle.description.feature_space
    with load(bundle.folder, precision="fp16") as embedder:
        assert embedder.calibration is not None

    narrow = CalibrationSet.of("narrow", features[:, :8].astype(np.float32), persons, draw.integers(0, 3, 240))
    with pytest.raises(FeaturesError, match="does not belong to the model"):
        add_calibration(bundle, calibrate(narrow))
