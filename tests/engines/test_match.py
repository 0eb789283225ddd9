from __future__ import annotations

from pathlib import Path

from reseen.engines.load import load
from reseen.engines.match import Gallery, Match, compared, found


def test_a_match_without_a_calibration_has_no_verdict() -> None:
    for match in (compared(None, 0.5), found(None, 0.5, "a.jpg", Gallery(10))):
        assert (match.score, match.verdict, match.answer, match.probability) == (0.5, None, None, None)


def test_a_calibration_gives_verdicts_that_depend_on_how_many_people_there_are(calibrated_bundle: Path) -> None:
    calibration = load(calibrated_bundle).calibration

    alone, few, many = (found(calibration, 0.6, "a.jpg", Gallery(90, n)).probability for n in (1, 10, None))

    assert alone is not None
    assert few is not None
    assert many is not None
    assert alone > few > many
    assert compared(calibration, 0.99).answer == "same"
    assert found(calibration, 0.99, "a.jpg", Gallery(0)).verdict is None


def test_it_says_what_it_is(calibrated_bundle: Path) -> None:
    assert repr(Match(0.51234, name="a.jpg")) == "Match(0.5123, a.jpg)"
    assert repr(compared(load(calibrated_bundle).calibration, 0.99)) == "Match(0.9900, same)"
