"""FPIR against every gallery that can be drawn, and against strangers and galleries that calibration never saw."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np
import pytest

from reseen.calibration import search_calibration as module
from reseen.calibration import search_rates, search_tally
from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.proportion import jackknife_variance
from reseen.calibration.search_calibration import SearchCalibration, calibrate_search
from reseen.calibration.strangers import ScoringRule
from reseen.errors import FeaturesError
from reseen.scores import blocks

DrawnPeople = Callable[..., CalibrationSet]


def naive_scores(held: CalibrationSet, scoring: ScoringRule) -> list[tuple[int, dict[int, float]]]:
    """For the first image of each person by each camera: the person, and the scores of all others."""
    found, seen = [], set()
    for image, (person, camera) in enumerate(zip(held.persons.tolist(), held.cameras.tolist(), strict=True)):
        if (person, camera) in seen:
            continue
        seen.add((person, camera))
        scores = {}
        for other in sorted(set(held.persons.tolist()) - {person}):
            rows = held.features[held.persons == other]
            mean = rows.astype(float).mean(axis=0)
            entries = rows if scoring == "best_image" else [mean / np.linalg.norm(mean)]
            scores[other] = max(float(held.features[image] @ entry) for entry in entries)
        found.append((person, scores))
    return found


@pytest.mark.parametrize("scoring", ["best_image", "mean_feature"])
def test_rates_are_the_means_over_every_gallery_that_can_be_drawn(
    scoring: ScoringRule, drawn_people: DrawnPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MIN_ERRORS", 1)
    monkeypatch.setattr(search_rates, "MIN_ERRORS", 1)
    monkeypatch.setattr(module, "MIN_SOURCES", 1)
    monkeypatch.setattr(blocks, "BLOCK_SCORES", 200)
    held = drawn_people(9, 5, noise=1.5)
    searches = naive_scores(held, scoring)

    found = calibrate_search(held, scoring)

    assert (found.searches, found.people, found.scoring) == (len(searches), (1, 2, 3, 4, 5, 6, 7), scoring)
    assert found.images_per_person == (5 if scoring == "best_image" else 1)
    assert len(found.thresholds) > 3
    for each in found.thresholds:
        reached = [sum(score >= each.threshold for score in scores.values()) for _, scores in searches]
        assert each.errors == sum(reached)
        assert each.rate == pytest.approx(sum(reached) / (8 * len(searches)))
        for place, size in enumerate(found.people):
            chances = [
                np.mean([max(gallery) >= each.threshold for gallery in combinations(scores.values(), size)])
                for _, scores in searches
            ]
            assert each.fpir[place] == pytest.approx(np.mean(chances), rel=1e-5)
            assert each.low[place] <= each.fpir[place] <= each.high[place]


def test_the_variance_is_that_of_leaving_out_each_person_in_turn(
    drawn_people: DrawnPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MIN_ERRORS", 1)
    monkeypatch.setattr(search_rates, "MIN_ERRORS", 1)
    monkeypatch.setattr(module, "MIN_SOURCES", 1)
    told: list[np.ndarray] = []

    def listen(without: np.ndarray) -> np.ndarray:
        told.append(without)
        return jackknife_variance(without)

    monkeypatch.setattr(search_tally, "jackknife_variance", listen)
    held = drawn_people(8, 4, noise=1.5)
    searches = naive_scores(held, "best_image")

    found = calibrate_search(held)

    def fpir(kept: list[tuple[int, dict[int, float]]], threshold: float, size: int) -> float:
        chances = [
            np.mean([max(gallery) >= threshold for gallery in combinations(scores.values(), size)])
            for _, scores in kept
        ]
        return float(np.mean(chances))

    for place, each in enumerate(found.thresholds):
        for column, size in enumerate(found.people):
            for row, person in enumerate(by_most_entries(held)):
                fewer = [(who, scores) for who, scores in searches if who != person]
                without = [(who, {o: s for o, s in scores.items() if o != person}) for who, scores in searches]
                assert told[2 * place][row, column] == pytest.approx(fpir(fewer, each.threshold, size))
                assert told[2 * place + 1][row, column] == pytest.approx(fpir(without, each.threshold, size))


def by_most_entries(held: CalibrationSet) -> list[int]:
    people, counts = np.unique(held.persons, return_counts=True)
    return [int(person) for person in people[np.argsort(-counts, kind="stable")]]


def test_people_may_have_any_number_of_images(drawn_people: DrawnPeople) -> None:
    made = drawn_people(60, 6)
    keep = np.random.default_rng(0).random(len(made.persons)) < 0.5
    held = CalibrationSet.of("uneven", made.features[keep], made.persons[keep], made.cameras[keep])
    searches = naive_scores(held, "best_image")

    found = calibrate_search(held)

    assert found.images_per_person == round(keep.sum() / held.people, 2)
    for each in found.thresholds:
        assert each.errors == sum(score >= each.threshold for _, scores in searches for score in scores.values())


def test_rates_fall_with_the_threshold_and_rise_with_the_gallery(drawn_people: DrawnPeople) -> None:
    found = calibrate_search(drawn_people(120, 4))

    assert found.people == (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 63, 79, 100, 118)
    for lower, higher in pairwise(found.thresholds):
        assert lower.threshold < higher.threshold
        assert lower.rate > higher.rate
        assert all(one >= other for one, other in zip(lower.fpir, higher.fpir, strict=True))
    for each in found.thresholds:
        assert each.errors >= 30
        assert list(each.fpir) == sorted(each.fpir)
        assert each.fpir[0] == pytest.approx(each.rate, rel=1e-5)
        assert all(rate <= min(1, size * each.rate) + 1e-6 for size, rate in zip(found.people, each.fpir, strict=True))


def measured(gallery: CalibrationSet, strangers: CalibrationSet) -> np.ndarray:
    """The best score of each stranger's search of everybody else's gallery."""
    return np.concatenate(
        [
            (strangers.features[rows : rows + 500] @ gallery.features.T).max(1)
            for rows in range(0, len(strangers.features), 500)
        ]
    )


def held_by_intervals(
    found: SearchCalibration, people: int, gallery: CalibrationSet, strangers: CalibrationSet
) -> dict[int, bool]:
    """For each threshold with a rate of 1 to 50 %, whether its interval holds what strangers do."""
    place, best = found.people.index(people), measured(gallery, strangers)
    return {
        number: each.low[place] <= float(np.mean(best >= each.threshold)) <= each.high[place]
        for number, each in enumerate(found.thresholds)
        if 0.01 <= each.fpir[place] <= 0.5
    }


@pytest.mark.parametrize(("calibrated", "people", "times"), [(300, 100, 12), (1100, 1000, 6)])
def test_p6_what_strangers_do_lies_within_the_stated_interval(
    calibrated: int, people: int, times: int, drawn_people: DrawnPeople
) -> None:
    told: list[bool] = []
    for seed in range(times):
        found = calibrate_search(drawn_people(calibrated, 3, seed=seed))
        gallery = drawn_people(people, 3, seed=1000 + seed)
        strangers = drawn_people(4000, 1, seed=2000 + seed)
        told += held_by_intervals(found, people, gallery, strangers).values()

    assert len(told) >= 8 * times
    assert np.mean(told) >= 0.85


def test_p6_what_strangers_do_to_ten_thousand_people_lies_within_the_stated_interval(drawn_people: DrawnPeople) -> None:
    found = calibrate_search(drawn_people(10_100, 1, cameras=1, width=32))

    told = held_by_intervals(
        found, 10_000, drawn_people(10_000, 1, width=32, seed=1), drawn_people(20_000, 1, width=32, seed=2)
    )

    assert len(told) >= 8
    assert all(told.values())


def test_a_set_too_small_for_any_threshold_is_refused() -> None:
    held = CalibrationSet.of("small", np.eye(5) + 0.1, np.arange(1, 6))
    with pytest.raises(FeaturesError, match=r"small is too small to calibrate searches on(.|\n)*got: 5 people"):
        calibrate_search(held)


def test_one_stranger_who_resembles_forty_others_supports_no_threshold() -> None:
    features = np.eye(300) + 0.02 * np.random.default_rng(7).standard_normal((300, 300))
    features[1:41, 0] += 1.0  # they are half as like each other
    held = CalibrationSet.of("wolf", features, np.arange(1, 301))
    scores = held.features @ held.features.T
    wolf = float(scores[0, 1:41].min())
    assert np.sum(np.triu(scores, 1) >= wolf) == 40

    found = calibrate_search(held)

    assert found.thresholds
    assert all(each.threshold < wolf for each in found.thresholds)


def test_people_of_whom_two_make_all_the_errors_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.eye(30)
    features[1] += features[0]
    monkeypatch.setattr(module, "MIN_ERRORS", 2)
    monkeypatch.setattr(module, "HIGHEST_RATE", 2 / (30 * 29))
    with pytest.raises(FeaturesError, match=r"twins is too small(.|\n)*of at least 10 strangers"):
        calibrate_search(CalibrationSet.of("twins", features, np.arange(1, 31)))
