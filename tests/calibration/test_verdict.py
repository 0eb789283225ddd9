"""Verdicts keep the rates they are asked for, and say nothing that the calibration does not support."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from reseen.calibration.calibration import Calibration, calibrate
from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.verdict import Verdict, compare_verdict, search_verdict
from reseen.errors import UsageError

DrawnPeople = Callable[..., CalibrationSet]


@pytest.fixture(scope="module")
def calibration(drawn_people: DrawnPeople) -> Calibration:
    """Supports false matches to 1e-4 and false non-matches to 1e-2."""
    made = calibrate(drawn_people(300, 8, seed=5))
    assert [point.supported for point in made.pairs.match] == [True, True, True]
    assert [point.supported for point in made.pairs.non_match] == [True, True, False]
    return made


def threshold(calibration: Calibration, kind: str, target: float) -> float:
    points = calibration.pairs.match if kind == "match" else calibration.pairs.non_match
    (found,) = [point.threshold for point in points if point.target == target]
    assert found is not None
    return found


def test_two_images_are_the_same_from_one_threshold_on_and_different_below_another(calibration: Calibration) -> None:
    same, different = threshold(calibration, "match", 1e-3), threshold(calibration, "non_match", 1e-2)
    assert different < same

    scores = (same, same - 1e-6, different, different - 1e-6)

    assert [compare_verdict(calibration, s).answer for s in scores] == ["same", "unsure", "unsure", "different"]
    assert compare_verdict(calibration, same - 1e-6, false_match_rate=1e-2).answer == "same"
    assert compare_verdict(calibration, same, false_match_rate=1e-4).answer == "unsure"


def test_the_rate_behind_a_comparison_is_that_of_the_strictest_point_it_reaches(calibration: Calibration) -> None:
    points = calibration.pairs.match
    for point in points:
        assert point.threshold is not None
        assert point.false_match_rate is not None
        verdict = compare_verdict(calibration, point.threshold)
        assert verdict.error_rate == point.false_match_rate[0]
        assert verdict.error_interval == point.false_match_rate[1:]
        assert verdict.calibration == "drawn"
        assert verdict.probability == calibration.pairs.logistic.probability(point.threshold)
    low = compare_verdict(calibration, threshold(calibration, "match", 1e-2) - 1e-6)
    assert (low.error_rate, low.error_interval, low.expected_false_matches) == (None, None, None)


def test_what_is_not_supported_is_never_said(calibration: Calibration) -> None:
    unsupported = compare_verdict(calibration, -0.9, false_non_match_rate=1e-3)
    beyond = search_verdict(calibration, 0.99, 10**12)

    assert (unsupported.answer, unsupported.reason) == ("unsure", "too_few_people")
    assert (beyond.answer, beyond.reason) == ("unsure", "gallery_too_large")
    assert (beyond.error_rate, beyond.error_interval, beyond.same_from) == (None, None, None)
    assert beyond.largest is not None
    assert search_verdict(calibration, 0.5, beyond.largest).same_from is not None
    assert search_verdict(calibration, 0.5, beyond.largest + 1).same_from is None


def test_an_unsure_verdict_tells_both_thresholds(calibration: Calibration) -> None:
    same, different = threshold(calibration, "match", 1e-3), threshold(calibration, "non_match", 1e-2)
    between = compare_verdict(calibration, (same + different) / 2)
    assert (between.reason, between.same_from, between.different_below) == ("between_thresholds", same, different)
    assert compare_verdict(calibration, same).reason is None


def test_what_is_called_different_has_the_rate_of_false_non_matches(calibration: Calibration) -> None:
    (point,) = [each for each in calibration.pairs.non_match if each.target == 1e-2]
    assert point.true_match_rate is not None
    for verdict in (compare_verdict(calibration, -0.9), search_verdict(calibration, -0.9, 20)):
        assert verdict.error_rate == pytest.approx(1 - point.true_match_rate[0])
        assert verdict.error_rate is not None
        assert verdict.error_interval is not None
        assert verdict.error_interval[0] <= verdict.error_rate <= verdict.error_interval[1]
        assert not verdict.extrapolated


@pytest.mark.parametrize("judge", [compare_verdict, lambda c, s, **k: search_verdict(c, s, 5, **k)])
def test_images_unlike_those_calibrated_on_have_no_rate(
    calibration: Calibration, judge: Callable[..., Verdict]
) -> None:
    verdict = judge(calibration, 0.99, unlike="a is darker")
    assert (verdict.answer, verdict.reason, verdict.unlike) == ("unsure", "unlike", "a is darker")
    assert (verdict.probability, verdict.error_rate, verdict.expected_false_matches) == (None, None, None)


def test_a_folder_s_images_are_no_galleries_of_people(calibration: Calibration) -> None:
    one_image = calibration.search.one_image
    assert one_image is not None
    folder, gallery = one_image.point(100, 0.05), calibration.search.point(100, 0.05)
    assert folder is not None
    assert gallery is not None
    assert folder.threshold < gallery.threshold  # the best of eight images scores higher

    assert search_verdict(calibration, 0.5, 100, images=100, fpir=0.05).same_from == folder.threshold
    assert search_verdict(calibration, 0.5, 100, fpir=0.05).same_from == gallery.threshold
    # 160 images of 20 people: either bound holds, and that of 20 people with 8 images each is the lower.
    few, many = calibration.search.point(20, 0.05), one_image.point(160, 0.05)
    assert few is not None
    assert many is not None
    assert few.threshold < many.threshold
    assert search_verdict(calibration, 0.5, 20, images=160, fpir=0.05).same_from == few.threshold
    # More images a person than were calibrated with: their best would score higher.
    assert search_verdict(calibration, 0.5, 20, images=161, fpir=0.05).same_from == many.threshold


def test_a_rate_beyond_what_was_measured_is_said_to_be_extrapolated(calibration: Calibration) -> None:
    point = calibration.search.point(2000, 0.01)
    assert point is not None

    found = search_verdict(calibration, point.threshold, 2000)
    above = search_verdict(calibration, 0.999, 2000)

    assert (found.answer, found.extrapolated) == ("same", True)
    assert found.error_rate == pytest.approx(0.01)
    assert above.error_rate == found.error_rate
    assert not search_verdict(calibration, 0.999, 20, fpir=0.1).extrapolated


def test_a_match_of_a_search_is_judged_by_the_size_of_the_gallery(calibration: Calibration) -> None:
    small, large = (calibration.search.point(people, 0.1) for people in (10, 200))
    assert small is not None
    assert large is not None
    assert small.threshold < large.threshold

    between = (small.threshold + large.threshold) / 2
    assert search_verdict(calibration, between, 10, fpir=0.1).answer == "same"
    assert search_verdict(calibration, between, 200, fpir=0.1).answer == "unsure"


def test_a_search_says_how_many_false_matches_to_expect(calibration: Calibration) -> None:
    at = calibration.search.thresholds[3]
    place = calibration.search.people.index(100)

    verdict = search_verdict(calibration, at.threshold, 100)

    assert verdict.error_rate == at.fpir[place]
    assert verdict.error_interval == (at.low[place], at.high[place])
    assert verdict.expected_false_matches == pytest.approx(100 * at.rate)
    assert at.fpir[place] <= 100 * at.rate
    assert verdict.probability == calibration.pairs.logistic.probability(at.threshold, prior=1 / 101)
    below = search_verdict(calibration, calibration.search.thresholds[0].threshold - 0.01, 100)
    assert (below.error_rate, below.expected_false_matches) == (None, None)
    assert search_verdict(calibration, -0.9, 100).answer == "different"


@pytest.mark.parametrize("judge", [compare_verdict, lambda c, s, **k: search_verdict(c, s, 5, **k)])
def test_a_rate_without_an_operating_point_is_refused(calibration: Calibration, judge: Callable[..., object]) -> None:
    with pytest.raises(
        UsageError, match=r"no operating point for a false-non-match rate(.|\n)*expected: 0.1, 0.01, 0.001"
    ):
        judge(calibration, 0.5, false_non_match_rate=0.02)


@pytest.mark.parametrize("people", [0, -3])
def test_an_empty_gallery_is_refused(calibration: Calibration, people: int) -> None:
    with pytest.raises(UsageError, match="`people` must be at least 1"):
        search_verdict(calibration, 0.5, people)


@pytest.mark.parametrize("judge", [compare_verdict, lambda c, s: search_verdict(c, s, 5)])
@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, -5.0, 2.0, 1.01])
def test_what_is_no_cosine_is_refused(
    calibration: Calibration, judge: Callable[[Calibration, float], object], score: float
) -> None:
    with pytest.raises(UsageError, match=r"the score is not a cosine similarity"):
        judge(calibration, score)


def test_rounding_may_take_a_cosine_a_little_beyond_one(calibration: Calibration) -> None:
    assert compare_verdict(calibration, 1.0005).answer == "same"
    assert compare_verdict(calibration, -1.0005).answer == "different"


@pytest.mark.parametrize("fpir", [math.nan, -0.1, 1.1])
def test_what_is_no_rate_is_refused(calibration: Calibration, fpir: float) -> None:
    with pytest.raises(UsageError, match="the FPIR is no rate"):
        search_verdict(calibration, 0.5, 10, fpir=fpir)
