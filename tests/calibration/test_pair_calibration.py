"""Operating points of pairs against a plain loop over all pairs, and how often their intervals hold on other people."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from reseen.calibration import pair_calibration as module
from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.operating_point import OperatingPoint
from reseen.calibration.pair_calibration import calibrate_pairs
from reseen.errors import FeaturesError
from reseen.scores import blocks
from reseen.scores.histogram import STEPS

DrawnPeople = Callable[..., CalibrationSet]


def looped(held: CalibrationSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether each pair is of one person, its score, and the two people."""
    same, found, whose = [], [], []
    for one, other in combinations(range(len(held.persons)), 2):
        if held.cameras[one] == -1 or held.cameras[one] != held.cameras[other]:
            people = sorted((int(held.persons[one]), int(held.persons[other])))
            same.append(people[0] == people[1])
            found.append(float(held.features[one] @ held.features[other]))
            whose.append(people)
    return np.array(same), np.array(found), np.array(whose)


@pytest.mark.parametrize("cameras", ["known", "some unknown", "unknown"])
def test_the_plain_loop_finds_the_same_operating_points(
    cameras: str, drawn_people: DrawnPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = drawn_people(60, 6)
    codes = {"known": made.cameras, "some unknown": np.where(made.cameras == 1, -1, made.cameras), "unknown": None}
    held = CalibrationSet.of("held", made.features, made.persons, codes[cameras])
    genuine, scores, people = looped(held)
    monkeypatch.setattr(blocks, "BLOCK_SCORES", 5000)

    found = calibrate_pairs(held)

    assert (found.genuine_pairs, found.impostor_pairs) == (genuine.sum(), (~genuine).sum())
    supported = 0
    for point in (*found.match, *found.non_match):
        if point.threshold is None:
            continue
        supported += 1
        reached = scores >= point.threshold
        assert point.false_match_rate is not None
        assert point.true_match_rate is not None
        assert point.false_match_rate[0] == pytest.approx(reached[~genuine].mean())
        assert point.true_match_rate[0] == pytest.approx(reached[genuine].mean())
        wrong = ~genuine & reached if point in found.match else genuine & ~reached
        assert point.errors == wrong.sum()
        part = [float(np.sum(people[wrong] == person)) for person in range(1, 61)]
        assert point.error_sources == math.floor(sum(part) ** 2 / sum(each**2 for each in part))
        assert point.errors >= 30
    assert supported >= 3


def test_the_thresholds_are_the_tightest_that_keep_their_rates(drawn_people: DrawnPeople) -> None:
    held = drawn_people(80, 6)
    genuine, scores, _ = looped(held)
    found = calibrate_pairs(held)

    for point in found.match[:2]:
        assert point.threshold is not None
        assert np.mean(scores[~genuine] >= point.threshold) <= point.target
        assert np.mean(scores[~genuine] >= point.threshold - 1 / STEPS) > point.target
    for point in found.non_match[:1]:
        assert point.threshold is not None
        assert np.mean(scores[genuine] < point.threshold) <= point.target
        assert np.mean(scores[genuine] < point.threshold + 1 / STEPS) > point.target


def test_scikit_learn_finds_the_same_true_match_rate(drawn_people: DrawnPeople) -> None:
    held = drawn_people(80, 6)
    genuine, scores, _ = looped(held)
    far, tar, _ = roc_curve(genuine, scores)

    for point in calibrate_pairs(held).match[:2]:
        assert point.true_match_rate is not None
        assert point.true_match_rate[0] == pytest.approx(np.interp(point.target, far, tar), abs=2e-3)


def test_a_rate_that_the_pairs_cannot_support_has_no_threshold(drawn_people: DrawnPeople) -> None:
    found = calibrate_pairs(drawn_people(25, 4))  # about 3,300 pairs of two: 33 at 1e-2, 3 at 1e-3

    assert [point.supported for point in found.match] == [True, False, False]
    assert [point.supported for point in found.non_match] == [False, False, False]  # about 100 pairs of one
    for point in (*found.match[1:], *found.non_match):
        assert point == OperatingPoint(
            target=point.target, supported=False, errors=point.errors, error_sources=point.error_sources
        )
        assert point.errors <= 30


def test_errors_of_one_pair_of_people_do_not_support_a_rate(
    drawn_people: DrawnPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = drawn_people(30, 8)
    twins = np.where(made.owners < 2, 1, 0)[:, None]
    features = np.where(twins, np.ones(24) + 0.01 * made.features, made.features)

    held = CalibrationSet.of("twins", features, made.persons, None)
    monkeypatch.setattr(module, "FALSE_MATCH_RATES", (1e-2, 64 / 27_840))

    many, few = calibrate_pairs(held).match

    assert many.supported
    assert (few.errors, few.error_sources, few.supported) == (64, 2, False)


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_images_does_not_matter(drawn_people: DrawnPeople, seed: int) -> None:
    held = drawn_people(20, 4)
    order = np.random.default_rng(seed).permutation(len(held.persons))

    shuffled = CalibrationSet.of("drawn", held.features[order], held.persons[order], held.cameras[order])

    expected, found = calibrate_pairs(held), calibrate_pairs(shuffled)
    assert found.match == expected.match
    assert found.impostor_pairs == expected.impostor_pairs


def test_the_length_of_features_does_not_matter(drawn_people: DrawnPeople) -> None:
    held = drawn_people(20, 4)
    again, scaled = (
        CalibrationSet.of("drawn", held.features * length, held.persons, held.cameras) for length in (1, 2.0**20)
    )

    assert calibrate_pairs(scaled) == calibrate_pairs(again)


def test_intervals_hold_the_rates_of_other_people_about_as_often_as_they_say(drawn_people: DrawnPeople) -> None:
    genuine, scores, _ = looped(drawn_people(250, 4, seed=1000))
    held = {"match": 0, "non_match": 0}
    for seed in range(40):
        point = calibrate_pairs(drawn_people(60, 4, seed=seed)).match[0]
        assert point.threshold is not None
        assert point.false_match_rate is not None
        assert point.true_match_rate is not None
        held["match"] += (
            point.false_match_rate[1] <= np.mean(scores[~genuine] >= point.threshold) <= point.false_match_rate[2]
        )
        held["non_match"] += (
            point.true_match_rate[1] <= np.mean(scores[genuine] >= point.threshold) <= point.true_match_rate[2]
        )
    assert min(held.values()) >= 32


@pytest.mark.parametrize("one_camera", [True, False])
def test_nothing_to_compare_is_an_error(one_camera: bool) -> None:
    cameras = np.zeros(6, dtype=int) if one_camera else np.arange(6) % 2
    persons = np.array([1, 1, 2, 2, 3, 3]) if one_camera else np.arange(1, 7)
    held = CalibrationSet.of("held", np.eye(6) + 0.1, persons, cameras)

    with pytest.raises(FeaturesError, match=r"held has nothing to calibrate on(.|\n)*got: 0 same-person pairs"):
        calibrate_pairs(held)
