"""An operating point is told whole, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reseen.calibration.operating_point import OperatingPoint

TOLD: dict[str, Any] = {
    "target": 1e-2,
    "supported": True,
    "errors": 30,
    "error_sources": 10,
    "threshold": 0.5,
    "false_match_rate": (0.01, 0.005, 0.02),
    "true_match_rate": (0.9, 0.8, 0.95),
}


def test_what_is_told_is_told_with_its_rates() -> None:
    assert OperatingPoint(**TOLD).threshold == 0.5


def test_what_cannot_be_told_has_no_threshold() -> None:
    assert OperatingPoint(target=1e-4, supported=False, errors=3).threshold is None


@pytest.mark.parametrize(
    "change",
    [
        {"supported": False},
        {"threshold": None},
        {"false_match_rate": None},
        {"true_match_rate": None},
        {"errors": 29},
        {"error_sources": 9},
        {"threshold": 1.5},
        {"threshold": float("nan")},
        {"false_match_rate": (0.1, 0.2, 0.3)},
    ],
)
def test_a_contradiction_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OperatingPoint(**TOLD | change)
