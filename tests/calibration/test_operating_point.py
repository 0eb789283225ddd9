"""An operating point is told whole, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from reseen.calibration.operating_point import BoundedRate, Cosine, OperatingPoint, ascends

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


@pytest.mark.parametrize("rate", [(0.0, 0.0, 0.0), (0.2, 0.1, 0.3), (1.0, 0.9, 1.0)])
def test_a_rate_within_its_interval_is_taken(rate: tuple[float, float, float]) -> None:
    assert TypeAdapter(BoundedRate).validate_python(rate) == rate


@pytest.mark.parametrize("rate", [(0.2, 0.3, 0.4), (0.5, 0.3, 0.4), (0.3, 0.4, 0.2), (0.5, -0.1, 0.6)])
def test_a_rate_outside_its_interval_is_refused(rate: tuple[float, float, float]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(BoundedRate).validate_python(rate)


def test_a_threshold_beyond_every_score_is_refused() -> None:
    assert TypeAdapter(Cosine).validate_python(-1.0) == -1.0
    for beyond in (-1.01, 1.01):
        with pytest.raises(ValidationError):
            TypeAdapter(Cosine).validate_python(beyond)


def test_ascending() -> None:
    assert ascends([])
    assert ascends([1, 2, 3])
    assert not ascends([1, 2, 2])
    assert ascends([1, 2, 2], strictly=False)
    assert not ascends([1, 3, 2], strictly=False)
