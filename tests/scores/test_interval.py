from __future__ import annotations

from reseen.scores.interval import Interval


def test_bounds_are_printed_with_five_digits() -> None:
    assert str(Interval(0.1, 2 / 3)) == "10.00 to 66.67 %"
