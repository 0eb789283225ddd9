from __future__ import annotations

from reseen.engines.match import Match


def test_a_match_without_a_calibration_has_no_verdict() -> None:
    assert Match(0.5).verdict is None
