"""Counts at thresholds are exact, however close a score lies to one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.errors import FeaturesError
from reseen.scores.histogram import STEPS, THRESHOLDS, ScoreHistogram

cosines = st.floats(-1, 1, width=32) | st.integers(-STEPS, STEPS).map(lambda place: place / STEPS)


def counted(scores: np.ndarray, left_out: np.ndarray | None = None) -> ScoreHistogram:
    histogram = ScoreHistogram()
    histogram.add(scores.astype(np.float32), left_out)
    return histogram


@given(st.lists(cosines, min_size=1, max_size=30), st.integers(0, len(THRESHOLDS) - 1))
def test_as_many_reach_a_threshold_as_a_comparison_finds(scores: list[float], place: int) -> None:
    values = np.array(scores, dtype=np.float32)

    reaching = counted(values).reaching()

    for at in (place, *(round(float(value) * STEPS) + STEPS for value in values)):
        assert reaching[at] == np.count_nonzero(values >= THRESHOLDS[at])


def test_a_score_just_below_a_threshold_does_not_reach_it() -> None:
    place = STEPS + STEPS // 2
    below = np.nextafter(np.float32(THRESHOLDS[place]), np.float32(-1))

    assert counted(np.array([below, THRESHOLDS[place]])).reaching()[place - 1 : place + 2].tolist() == [2, 1, 0]


@given(st.lists(st.lists(cosines, min_size=2, max_size=2), max_size=10))
def test_blocks_add_up_and_what_is_left_out_is_not_counted(blocks: list[list[float]]) -> None:
    piecewise = ScoreHistogram()
    for block in blocks:
        piecewise.add(np.array([block], dtype=np.float32), np.array([[False, True]]))

    together = counted(np.array([first for first, _ in blocks]))

    assert piecewise.counts.tolist() == together.counts.tolist()
    assert piecewise.total == len(blocks)


def test_rounding_beyond_the_ends_is_forgiven() -> None:
    reaching = counted(np.array([1 + 1e-6, 1, -1 - 1e-6])).reaching()

    assert (reaching[0], reaching[1], reaching[-2], reaching[-1]) == (3, 2, 2, 0)


@pytest.mark.parametrize("score", [1.1, -1.1, np.nan, np.inf, -np.inf])
def test_what_is_no_score_is_refused_unless_it_is_left_out(score: float) -> None:
    scores = np.array([0.5, score])
    with pytest.raises(FeaturesError, match="a score is out of range"):
        counted(scores)
    assert counted(scores, np.array([False, True])).total == 1


@given(st.lists(cosines, min_size=1, max_size=40), st.floats(0, 1))
def test_the_threshold_for_a_rate_is_the_lowest_that_keeps_it(scores: list[float], rate: float) -> None:
    histogram = counted(np.array(scores))
    place = histogram.threshold(rate)
    reaching = histogram.reaching()

    assert reaching[place] <= rate * len(scores)
    assert place == 0 or reaching[place - 1] > rate * len(scores)
