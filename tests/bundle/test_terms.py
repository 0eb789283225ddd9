"""Terms that restrict are told, others are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from reseen.bundle.bundle import open_bundle
from reseen.bundle.description import TrainingData
from reseen.bundle.shipped import FOLDER
from reseen.bundle.terms import restriction


def test_the_shipped_model_is_for_research_only() -> None:
    told = restriction(open_bundle(FOLDER).description)
    assert told is not None
    assert told.startswith("research use only: Market-1501 may be used for research and not commercially")


@pytest.mark.parametrize(
    ("licence", "told"),
    [
        ("Research use only. More text.", "Research use only"),
        ("CC BY-NC 4.0", "CC BY-NC 4.0"),
        ("for non-commercial purposes; ask for others", "for non-commercial purposes"),
        ("may not be used commercially", "may not be used commercially"),
        ("Apache-2.0", None),
        ("none needed", None),
        ("our own images, by consent of those who are seen", None),
    ],
)
def test_terms_that_restrict_are_told_by_their_first_sentence(
    licence: str, told: str | None, small_bundle: Path
) -> None:
    description = open_bundle(small_bundle).description
    data = TrainingData(name="some people", licence=licence)
    assert restriction(description.model_copy(update={"training_data": data})) == told


def test_where_nothing_is_said_nothing_is_told(small_bundle: Path) -> None:
    assert restriction(open_bundle(small_bundle).description.model_copy(update={"training_data": None})) is None
