"""Who searches, and what is searched."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.strangers import DRAWS, Searches

DrawnPeople = Callable[..., CalibrationSet]


def test_every_person_scores_as_the_best_of_their_images_but_for_the_stranger(drawn_people: DrawnPeople) -> None:
    held = drawn_people(12, 5)
    searches = Searches.of(held, "best_image")

    (found,) = [scores for _, scores in searches.blocks()]

    for row, owner in enumerate(searches.owners.tolist()):
        for person in range(12):
            best = (held.features[held.owners == person] @ searches.queries[row]).max()
            assert found[row, person] == (-np.inf if person == owner else pytest.approx(best, abs=1e-6))


@pytest.mark.parametrize("draw", range(DRAWS))
def test_a_gallery_of_one_image_holds_one_of_each_person(draw: int, drawn_people: DrawnPeople) -> None:
    held = drawn_people(12, 5)
    searches = Searches.of_one_image(held, draw)

    assert searches.people == len(searches.entries) == 12
    for person, entry in enumerate(searches.entries):
        assert entry.tolist() in held.features[held.owners == person].tolist()


def test_the_draws_of_as_many_images_hold_all_of_them(drawn_people: DrawnPeople) -> None:
    held = drawn_people(7, DRAWS)
    drawn = np.concatenate([Searches.of_one_image(held, draw).entries for draw in range(DRAWS)])
    assert sorted(drawn.tolist()) == sorted(held.features.tolist())
