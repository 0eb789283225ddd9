"""People to calibrate on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reseen.calibration.calibration_set import CalibrationSet


@pytest.fixture(scope="session")
def drawn_people() -> Callable[..., CalibrationSet]:
    """Held-out people scattered around a centre each; some people are alike, and some images are harder than others."""

    def make(
        people: int = 60, images: int = 6, *, cameras: int = 3, width: int = 24, noise: float = 0.9, seed: int = 0
    ) -> CalibrationSet:
        draw = np.random.default_rng(seed)
        # Centres gather around a few looks: a stranger with a common look is found more often than another.
        looks = np.random.default_rng(99).standard_normal((12, width))
        centres = looks[draw.integers(0, len(looks), people)] * draw.uniform(0, 0.9, (people, 1))
        centres += draw.standard_normal((people, width))
        persons = np.repeat(np.arange(people), images)
        hardness = noise * draw.uniform(0.5, 1.5, (len(persons), 1))
        features = centres[persons] + hardness * draw.standard_normal((len(persons), width))
        return CalibrationSet.of("drawn", features, persons + 1, draw.integers(0, cameras, len(persons)))

    return make
