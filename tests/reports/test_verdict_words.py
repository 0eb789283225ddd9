from __future__ import annotations

from typing import Any

import pytest

from reseen.calibration.verdict import Answer, Verdict
from reseen.reports.verdict_words import compared, searched


def verdict(answer: Answer, **measured: Any) -> Verdict:
    unknown: dict[str, Any] = {"error_rate": None, "error_interval": None, "expected_false_matches": None}
    return Verdict(answer=answer, score=0.5, probability=0.5, calibration="our people", **(unknown | measured))


RATE = {"error_rate": 0.00123, "error_interval": (0.0005, 0.0025)}


@pytest.mark.parametrize(
    ("judged", "words"),
    [
        (
            verdict("same", **RATE),
            "same person: of the pairs of two people, 0.0012 (0.0005 to 0.0025) score this high, "
            "measured on our people",
        ),
        (
            verdict("unsure", **RATE),
            "unsure: of the pairs of two people, 0.0012 (0.0005 to 0.0025) score this high, measured on our people",
        ),
        (verdict("unsure"), "unsure: the score is below all thresholds, measured on our people"),
        (
            verdict("different"),
            "different people: of the pairs of one person, 0.01 score this low, measured on our people",
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
            "same person: of strangers' searches, 0.0012 (0.0005 to 0.0025) find somebody this alike",
        ),
        (verdict("unsure"), "unsure"),
        (verdict("different"), "different people"),
    ],
)
def test_what_a_search_found_is_told_with_its_error_rate(judged: Verdict, words: str) -> None:
    assert searched(judged) == words
