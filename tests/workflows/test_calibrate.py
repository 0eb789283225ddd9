from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from reseen.datasets.manifest import Manifest
from reseen.datasets.set_aside import set_aside
from reseen.errors import DatasetError, WeightsError
from reseen.recipe.schema import Recipe
from reseen.workflows.calibrate import calibration_people, embed_calibration_people
from reseen.workflows.load_embedder import load_embedder
from reseen.workflows.extract import extract_features

CPU = torch.device("cpu")
SmallRecipe = Callable[..., Recipe]


def test_the_people_are_those_whom_training_sets_aside_and_nobody_who_is_evaluated(
    people: Manifest, small_recipe: SmallRecipe
) -> None:
    found = calibration_people(small_recipe("data.calibration_share=0.5"), [people])

    assert found == set_aside(people, 0.5).calibration
    persons = {sample.person for sample in found.samples}
    assert len(persons) >= 3
    assert persons < {sample.person for sample in people.split("train")}
    assert not persons & {sample.person for sample in people.split("query") + people.split("gallery")}


def test_each_image_is_embedded_once_with_its_person_and_camera(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe
) -> None:
    recipe, weights = small_recipe("data.calibration_share=0.5"), finished_run / "checkpoints" / "best"
    told: list[tuple[str, int, int]] = []

    held = embed_calibration_people(recipe, weights, [people], CPU, lambda *stage: told.append(stage))

    samples = set_aside(people, 0.5).calibration.split("gallery")
    order = np.argsort([sample.person for sample in samples], kind="stable")
    features = extract_features(load_embedder(recipe, weights, CPU), [samples[place].path for place in order])
    np.testing.assert_allclose(held.features, features, atol=1e-6)
    assert held.cameras.tolist() == [int(samples[place].camera or 0) - 1 for place in order]
    assert (held.people, held.name) == (3, f"3 people set aside from {people.name}")
    assert told[-1] == ("calibration", len(samples), len(samples))


def test_several_datasets_give_the_people_that_training_on_all_of_them_sets_aside(
    people: Manifest, small_recipe: SmallRecipe
) -> None:
    other = Manifest("other", people.root, people.samples)

    found = calibration_people(small_recipe("data.calibration_share=0.5"), [people, other])

    names = {sample.person.partition("/")[0] for sample in found.samples}
    assert names <= {people.name, "other"}
    assert len({sample.person for sample in found.samples}) >= 3


def test_a_recipe_that_sets_nobody_aside_is_refused(people: Manifest, small_recipe: SmallRecipe) -> None:
    with pytest.raises(DatasetError, match=r"set nobody aside(.|\n)*cure: train again with -o data.calibration_share"):
        calibration_people(small_recipe(), [people])


def test_weights_of_another_preprocessing_are_refused(
    finished_run: Path, people: Manifest, small_recipe: SmallRecipe
) -> None:
    recipe = small_recipe("data.calibration_share=0.5", "preprocess.height=80")
    with pytest.raises(WeightsError, match="trained with another preprocessing"):
        embed_calibration_people(recipe, finished_run / "checkpoints" / "best", [people], CPU)
