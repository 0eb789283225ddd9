"""The tally against chances worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from reseen.calibration.search_tally import Tally


@pytest.fixture
def tally() -> Tally:
    """Four people search for each other once; the first two reach each other, and the third reaches the first."""
    made = Tally(np.arange(4), 4, 1, np.array([1, 2]))
    scores = np.full((4, 4), 0.1, dtype=np.float32)
    np.fill_diagonal(scores, -np.inf)
    scores[0, 1] = scores[1, 0] = scores[2, 0] = 0.9
    for rows in (slice(0, 2), slice(2, 4)):
        made.add(rows, scores[rows], np.array([0.5]))
    return made


def test_a_rate_is_the_mean_chance_that_a_gallery_holds_somebody_who_is_reached(tally: Tally) -> None:
    # Three of the four strangers reach one of three others: 1/3 in galleries of one, 2/3 in galleries of two.
    rates = tally.rates(0)

    assert rates["fpir"] == pytest.approx((0.25, 0.5))
    for low, rate, high in zip(rates["low"], rates["fpir"], rates["high"], strict=True):
        assert low < rate < high


def test_its_errors_are_of_as_many_people_as_the_side_with_fewer(tally: Tally) -> None:
    # Three strangers were wrong once each; the first was found twice and the second once: 9 / 5.
    assert tally.sources(0) == 1
