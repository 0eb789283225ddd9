"""People to calibrate on are checked, sorted, and known by a hash."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from reseen.calibration.calibration_set import CalibrationSet
from reseen.errors import FeaturesError

GOOD: dict[str, Any] = {
    "features": np.array([[3.0, 4], [0, 2], [5, 12], [1, 0], [1, 1], [0, 1]]),
    "persons": np.array([7, 2, 7, -1, 0, 5]),
    "cameras": np.array([1, 2, 3, 1, 1, -1]),
}


def made(**changes: Any) -> CalibrationSet:
    return CalibrationSet.of("held", **(GOOD | changes))


def test_images_are_sorted_by_person_without_junk_and_distractors() -> None:
    held = made()

    assert held.persons.tolist() == [2, 5, 7, 7]
    assert held.cameras.tolist() == [2, -1, 1, 3]
    np.testing.assert_allclose(held.features, np.array([[0, 1], [0, 1], [0.6, 0.8], [5 / 13, 12 / 13]]), atol=1e-6)
    assert held.starts.tolist() == [0, 1, 2]
    assert held.owners.tolist() == [0, 1, 2, 2]
    assert (held.people, held.cameras_known) == (3, True)
    assert not made(cameras=None).cameras_known


def test_the_hash_is_of_the_rows_and_codes_and_changes_with_each_of_them() -> None:
    held = made()
    content = held.features.tobytes() + held.persons.tobytes() + held.cameras.tobytes()
    changed = [
        made(features=-GOOD["features"]),
        made(persons=GOOD["persons"] + (GOOD["persons"] == 7)),
        made(cameras=None),
    ]

    assert held.sha256 == hashlib.sha256(content).hexdigest() == made().sha256
    assert len({held.sha256, *(each.sha256 for each in changed)}) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": np.zeros((6, 2))}, "no length"),
        ({"features": np.full((6, 2), np.nan)}, "no length"),
        ({"persons": np.array([7, 2, 7, -1, 0])}, "wrong number of held persons"),
        ({"persons": np.array([7, 2, 7, -2, 0, 5])}, "unusable code"),
        ({"persons": np.array([7, 2, 7, -1, 0, 0])}, r"too few people to calibrate on(.|\n)*got: 2"),
        ({"features": np.ones((0, 2)), "persons": np.zeros(0, dtype=int), "cameras": None}, "held is empty"),
    ],
)
def test_what_cannot_be_calibrated_on_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FeaturesError, match=message):
        made(**changes)
