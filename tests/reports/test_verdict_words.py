"""A verdict in words: the answer, why it is unsure, the rate behind it, and the probability."""

from __future__ import annotations

from typing import Any

import pytest

from reseen.calibration.verdict import Answer, Verdict
from reseen.reports.verdict_words import compared, per_cent, searched


def verdict(answer: Answer, **measured: Any) -> Verdict:
    unknown: dict[str, Any] = {"error_rate": None, "error_interval": None, "expected_false_matches": None}
    return Verdict(answer=answer, score=0.5, calibration="our people", **({"probability": 0.5} | unknown | measured))


RATE = {"error_rate": 0.00123, "error_interval": (0.0005, 0.0025), "probability": 0.98}
BOTH = {"same_from": 0.58712, "different_below": 0.2}


@pytest.mark.parametrize(
    ("judged", "words"),
    [
        (
            verdict("same", **RATE),
            "same person · false-match rate 0.12 % (95 % CI 0.050–0.25 %) · probability 98.0 % · "
            "calibrated on our people",
        ),
        (
            verdict("unsure", reason="between_thresholds", **RATE, **BOTH),
            "unsure: between the thresholds (different below 0.200, same from 0.587) · "
            "false-match rate 0.12 % (95 % CI 0.050–0.25 %) · probability 98.0 % · calibrated on our people",
        ),
        (
            verdict("unsure", reason="too_few_people", same_from=0.58712),
            "unsure: same from 0.587; too few people were calibrated on to say which are different · "
            "probability 50 % · calibrated on our people",
        ),
        (
            verdict("unsure", reason="too_few_people", different_below=0.2),
            "unsure: different below 0.200; too few people were calibrated on to say which are the same · "
            "probability 50 % · calibrated on our people",
        ),
        (
            verdict("unsure", reason="too_few_people"),
            "unsure: too few people were calibrated on to say more · probability 50 % · calibrated on our people",
        ),
        (
            verdict("unsure", reason="unlike", unlike="a is darker than any image", probability=None),
            "unsure: a is darker than any image; no error rate is known for such images · calibrated on our people",
        ),
        (
            verdict("different", error_rate=0.01, error_interval=(0.005, 0.02), probability=0.001),
            "different people · false-non-match rate 1.0 % (95 % CI 0.50–2.0 %) · probability 0.10 % · "
            "calibrated on our people",
        ),
    ],
)
def test_a_comparison_is_told_with_its_error_rate_and_whom_it_was_measured_on(judged: Verdict, words: str) -> None:
    assert compared(judged) == words


@pytest.mark.parametrize(
    ("judged", "words"),
    [
        (
            verdict("same", **RATE),
            "same person · false-positive rate 0.12 % (95 % CI 0.050–0.25 %) · probability 98.0 %",
        ),
        (
            verdict("same", extrapolated=True, **RATE),
            "same person · false-positive rate 0.12 % (95 % CI 0.050–0.25 %), extrapolated · probability 98.0 %",
        ),
        (
            verdict("unsure", reason="gallery_too_large", largest=2265),
            "unsure: too large a gallery, this calibration reaches to 2,265 people at this rate · probability 50 %",
        ),
    ],
)
def test_what_a_search_found_is_told_with_its_error_rate(judged: Verdict, words: str) -> None:
    assert searched(judged) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.5, "50 %"),
        (0.00123, "0.12 %"),
        (0.0123, "1.2 %"),
        (0.98765, "98.8 %"),
        (0.99877, "99.88 %"),
        (1e-9, "< 0.001 %"),
        (1 - 1e-9, "> 99.999 %"),
    ],
)
def test_a_share_has_two_digits_of_what_is_there_or_of_what_is_missing(share: float, words: str) -> None:
    assert per_cent(share) == words
