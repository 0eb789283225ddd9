from __future__ import annotations

import pytest

from reseen.doctor.finding import Finding


def test_a_problem_says_its_cure() -> None:
    assert Finding("disk", "problem", "full", "free some space").cure == "free some space"
    with pytest.raises(ValueError, match="disk is problem, and its cure is None"):
        Finding("disk", "problem", "full")


def test_what_is_well_needs_no_cure() -> None:
    assert Finding("disk", "ok", "empty").cure is None
    with pytest.raises(ValueError, match="disk is ok"):
        Finding("disk", "ok", "empty", "free some space")
