from __future__ import annotations

import pytest
from pydantic import ValidationError

from reseen.images.preprocess import Preprocess


def test_the_default_is_256_by_128_normalised_as_imagenet() -> None:
    preprocess = Preprocess()
    assert (preprocess.height, preprocess.width) == (256, 128)
    assert preprocess.mean == (0.485, 0.456, 0.406)
    assert preprocess.std == (0.229, 0.224, 0.225)


def test_p2_the_hash_stays_the_same_from_release_to_release() -> None:
    assert Preprocess().sha256 == "e67ae87dc717698f3e0b63fd7b86c6e6724d8b341d9e82240f5b9d394114cbd1"


def test_p2_json_brings_back_the_same_preprocessing() -> None:
    preprocess = Preprocess(height=128, width=64, mean=(0.1, 0.2, 0.3))
    again = Preprocess.model_validate_json(preprocess.model_dump_json())
    assert again == preprocess
    assert again.sha256 == preprocess.sha256


@pytest.mark.parametrize(
    "change", [{"height": 128}, {"width": 64}, {"mean": (0.5, 0.456, 0.406)}, {"std": (0.229, 0.224, 0.5)}]
)
def test_p2_another_preprocessing_has_another_hash(change: dict[str, object]) -> None:
    assert Preprocess.model_validate(change).sha256 != Preprocess().sha256


@pytest.mark.parametrize(
    "change",
    [
        {"height": 15},
        {"width": 2049},
        {"std": (0.229, 0, 0.225)},
        {"std": (0.229, -1, 0.225)},
        {"mean": (0.5, 0.5)},
        {"interpolation": "nearest"},
        {"colour": "BGR"},
        {"hight": 256},
    ],
)
def test_values_out_of_range_and_unknown_keys_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Preprocess.model_validate(change)


def test_a_preprocessing_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Preprocess().height = 128
