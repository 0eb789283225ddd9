from __future__ import annotations

from collections.abc import Callable

import pytest

from reseen.errors import RecipeError
from reseen.recipe.load import load_recipe

Refused = Callable[..., RecipeError]
RefuseEach = Callable[..., None]
ERASING = "augmentation.erasing={}"


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ("augmentation.flip", ["-0.1", "1.1", "'0.5'"]),
        ("augmentation.pad", ["-1", "513", "1.5"]),
        ("sampler.persons", ["0", "4097", "16.0"]),
        ("sampler.images_per_person", ["0", "4097"]),
        ("sampler.short_persons", ["skip"]),
        ("sampler.method", ["random", "null"]),
        ("sampler.drop_last", ["1", "null"]),
        ("sampler.shuffle", ["'yes'"]),
        ("data.memory_limit_gb", ["0", "-1", "'8'"]),
        ("data.evaluation_share", ["1", "-0.1"]),
        ("data.calibration_share", ["1", "-0.1", "null"]),
    ],
)
def test_wrong_values_are_refused_by_name(refuse_each: RefuseEach, setting: str, wrong: list[str]) -> None:
    refuse_each(setting, wrong)


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [("probability", ["1.1"]), ("attempts", ["0", "1001"]), ("fill", ["[0, 0]"])],
)
def test_wrong_values_of_erasing_are_refused(refuse_each: RefuseEach, setting: str, wrong: list[str]) -> None:
    refuse_each(f"augmentation.erasing.{setting}", wrong, ERASING)


@pytest.mark.parametrize("wrong", ["area=[0.4, 0.02]", "area=[0.1, 1.1]", "aspect=[2, 1]", "aspect=[0, 1]"])
def test_ranges_of_erasing_are_in_order(refused: Refused, wrong: str) -> None:
    assert "augmentation.erasing" in refused("baseline", ERASING, f"augmentation.erasing.{wrong}").what


def test_a_batch_of_one_image_is_refused(refused: Refused) -> None:
    load_recipe("baseline", ["sampler={persons: 1, images_per_person: 2}"])
    load_recipe("baseline", ["sampler={persons: 2, images_per_person: 1}"])
    error = refused("baseline", "sampler={persons: 1, images_per_person: 1}")
    assert "sampler cannot be used" in error.what
    assert "at least 2" in str(error.expected)
