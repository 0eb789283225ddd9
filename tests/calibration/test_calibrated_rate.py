"""What a calibration may say, case by case."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from reseen.calibration.calibrated_rate import BoundedRate, Cosine, ascends


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
