"""What is told of a calibration stands in it."""

from __future__ import annotations

import numpy as np
import pytest

from reseen.calibration.calibration import Calibration, calibrate
from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.operating_point import OperatingPoint
from reseen.reports.calibration_words import calibration_lines


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    draw = np.random.default_rng(0)
    persons = np.repeat(np.arange(1, 121), 6)
    features = draw.standard_normal((121, 16))[persons] + 0.7 * draw.standard_normal((720, 16))
    return calibrate(CalibrationSet.of("drawn", features, persons, np.tile(np.arange(3), 240)), check=True)


def test_thresholds_are_told_with_their_rates(calibration: Calibration) -> None:
    lines = calibration_lines(calibration)
    point = calibration.pairs.match[0]
    assert point.threshold is not None
    assert point.true_match_rate is not None
    assert lines[0] == "calibrated on drawn: 120 people, 720 images, 3 cameras"
    assert lines[2].startswith(f"  same: score ≥ {point.threshold:.4f} → FMR 1.00 %, TMR ")
    assert any(line.startswith("  100 people, FPIR 10 %: score ≥ ") and " → measured " in line for line in lines)
    assert any(line.startswith("  10,000 people, FPIR 1.0 %: ") for line in lines)
    assert "searching a folder, each image of which may be of another person:" in lines
    held_back = lines.index("held back (half of the 120 people calibrates, the other half is measured, both ways):")
    assert lines[held_back + 1].startswith("  same at FMR 1.0 % → measured ")


def test_too_few_people_are_told_with_how_many_could_tell(calibration: Calibration) -> None:
    match = (
        OperatingPoint(target=1e-2, supported=False, errors=49_941, error_sources=3),
        OperatingPoint(target=1e-3, supported=False, errors=8, error_sources=12),
    )
    non_match = (OperatingPoint(target=1e-3, supported=False, errors=15, error_sources=12),)
    pairs = calibration.pairs.model_copy(update={"match": match, "non_match": non_match})

    lines = calibration_lines(calibration.model_copy(update={"pairs": pairs}))

    assert lines[2].endswith(
        "same at FMR 1.0 %: not enough data: the 49,941 errors come from ~3 people (10 needed); "
        "about 400 people could tell"
    )
    # Pairs of two grow with the square of the people, those of one with the people.
    assert lines[3].endswith("8 errors (30 needed); about 233 people could tell")
    assert lines[4].endswith(
        "different at FNMR 0.10 %: not enough data: 15 errors (30 needed); about 240 people could tell"
    )
