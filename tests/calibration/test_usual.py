"""What is unlike is told as such, and of other images of the same kind next to none is."""

from __future__ import annotations

import numpy as np
import pytest

from reseen.calibration.usual import Usual, usual_of
from reseen.images.looks import LOOKS

COUNT = 4000


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Looks and unit features of images of one kind."""
    draw = np.random.default_rng(seed)
    looks = draw.normal((120, 50, 30, 0.4, 128, 0.5), (10, 5, 4, 0.05, 0, 0), (COUNT, 6)).astype(np.float32)
    features = draw.standard_normal((COUNT, 16)).astype(np.float32)
    return looks, features / np.linalg.norm(features, axis=1, keepdims=True)


def turned(features: np.ndarray) -> np.ndarray:
    """As if upside down: they lie along the third direction."""
    moved: np.ndarray = features + 2 * np.eye(16, dtype=np.float32)[2]
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    return moved


@pytest.fixture(scope="module")
def usual() -> Usual:
    looks, features = drawn(0)
    return usual_of(looks, features, {"upside down": turned(features[:1000])})


def test_of_other_images_of_this_kind_few_are_held_back(usual: Usual) -> None:
    found = usual.differences(*drawn(1))
    assert sum(each is not None for each in found) < 0.01 * COUNT


@pytest.mark.parametrize(
    ("look", "value", "words"),
    [
        ("brightness", 15, "darker than"),
        ("brightness", 240, "brighter than"),
        ("contrast", 1, "of less contrast than"),
        ("colour", 0, "less colourful than"),
        ("sharpness", 0.05, "more blurred than"),
        ("sharpness", 3, "noisier than"),
        ("height", 16, "smaller than"),
        ("aspect", 1, "wider for its height than"),
        ("aspect", 0.2, "narrower for its height than"),
    ],
)
def test_what_lies_outside_is_told_in_words(usual: Usual, look: str, value: float, words: str) -> None:
    looks = np.array([[120, 50, 30, 0.4, 128, 0.5]], dtype=np.float32)
    features = np.zeros((1, 16), dtype=np.float32)
    assert usual.differences(looks, features) == [None]
    looks[0, LOOKS.index(look)] = value
    assert usual.differences(looks, features) == [f"{words} the images this was calibrated on"]


def test_shapes_may_differ_by_a_half_and_large_images_are_none_the_worse(usual: Usual) -> None:
    looks = np.array([[120, 50, 30, 0.4, 90, 0.5], [120, 50, 30, 0.4, 9000, 0.7]], dtype=np.float32)
    assert usual.differences(looks, np.zeros((2, 16), dtype=np.float32)) == [None, None]


def test_altered_copies_are_known_by_their_features(usual: Usual) -> None:
    looks, features = drawn(2)
    typical = np.tile(np.array([120, 50, 30, 0.4, 128, 0.5], dtype=np.float32), (COUNT, 1))
    found = usual.differences(typical, turned(features))
    told = sum(each == "upside down, unlike the images this was calibrated on" for each in found)
    assert told > 0.9 * COUNT
    assert sum(each is not None for each in usual.differences(typical, features)) < 0.005 * COUNT
    assert looks.shape == (COUNT, 6)


def test_too_few_images_give_no_directions() -> None:
    looks, features = drawn(0)
    assert usual_of(looks[:79], features[:79], {"upside down": turned(features[:79])}).directions == {}


def test_it_is_read_back_exactly(usual: Usual) -> None:
    assert Usual.model_validate_json(usual.model_dump_json()) == usual
