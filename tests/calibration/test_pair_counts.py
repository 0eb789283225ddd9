"""Counted pairs against a plain loop, and the interval of a rate against leaving out each person by hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.pair_counts import count_pairs, pair_rate
from reseen.calibration.proportion import rate_interval
from reseen.scores.histogram import STEPS

DrawnPeople = Callable[..., CalibrationSet]


def test_pairs_are_counted_for_everybody_in_them(drawn_people: DrawnPeople) -> None:
    held = drawn_people(10, 5)
    place = int(0.5 * STEPS) + STEPS

    found = count_pairs(held, np.array([place]))

    genuine, impostor = np.zeros((2, 10)), np.zeros((2, 10))
    for one, other in combinations(range(50), 2):
        if held.cameras[one] != held.cameras[other]:
            high = held.features[one] @ held.features[other] >= 0.5
            people = {int(held.owners[one]), int(held.owners[other])}
            for person in people:
                (genuine if len(people) == 1 else impostor)[:, person] += (high, True)
    assert found.genuine.tolist() == genuine.tolist()
    assert found.impostor.tolist() == impostor.tolist()


def test_the_interval_leaves_out_each_person_with_all_of_their_pairs() -> None:
    high = {(0, 1), (0, 2), (1, 3)}
    pairs = set(combinations(range(5), 2))
    reached = np.array([sum(person in pair for pair in high) for person in range(5)])

    rate, low, upper = pair_rate(reached, np.full(5, 4), each=2)

    without = [
        len({pair for pair in high if person not in pair}) / len({pair for pair in pairs if person not in pair})
        for person in range(5)
    ]
    bounds = rate_interval(0.3, float(np.var(without) * 4), 5)
    assert (rate, low, upper) == pytest.approx((0.3, bounds.low, bounds.high))
