from __future__ import annotations

from reseen.scores.interval import Interval


def test_bounds_are_printed_with_five_digits() -> None:
    assert str(Interval(0.1, 2 / 3)) == "0.10000 to 0.66667"
