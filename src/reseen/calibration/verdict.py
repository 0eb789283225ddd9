"""Same person, different, or unsure: verdicts with the error rates behind them.

Two questions have two answers. *Are these two images of one person?* is judged by the rate of false matches among
pairs. *Is the best of this search the person?* is judged by how often a stranger's search of so many people names
somebody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reseen.calibration.calibration import Calibration
from reseen.calibration.operating_point import OperatingPoint
from reseen.errors import UsageError
from reseen.scores.histogram import SLACK

Answer = Literal["same", "unsure", "different"]
FALSE_MATCH_RATE = 1e-3
FALSE_NON_MATCH_RATE = 1e-2
FPIR = 1e-2


@dataclass(frozen=True)
class Verdict:
    """What a score means.

    Attributes:
        answer: `same` and `different` only where the calibration supports the rate asked for; otherwise `unsure`.
        score: cosine similarity.
        probability: of the same person: for two images with an even prior; for a search with every person of the
            gallery and a stranger equally likely before it. A search's is too low, and the more so the larger the
            gallery: it is that of two images with this score, while the best of many is looked at, which for the
            person searched for is the best image of several. What decides is `answer`, by the rates of searches.
        error_rate: for two images, the measured rate of false matches at the strictest operating point that the score
            reaches; for a search, the FPIR from the highest calibrated threshold on that it reaches. None below all,
            and for galleries beyond the calibration's.
        error_interval: 95 % interval of `error_rate`.
        expected_false_matches: people of the gallery whom a stranger would match at such a score; None for two images,
            and for scores below all thresholds.
        calibration: name of the set that all this was measured on.
    """

    answer: Answer
    score: float
    probability: float
    error_rate: float | None
    error_interval: tuple[float, float] | None
    expected_false_matches: float | None
    calibration: str


def compare_verdict(
    calibration: Calibration,
    score: float,
    *,
    false_match_rate: float = FALSE_MATCH_RATE,
    false_non_match_rate: float = FALSE_NON_MATCH_RATE,
) -> Verdict:
    """Judge the score of two images.

    Args:
        calibration: of the model that made their features.
        score: their cosine similarity.
        false_match_rate: share of the pairs of two people that may be called the same; one of the calibration's.
        false_non_match_rate: share of the pairs of one person that may be called different; one of the calibration's.

    Raises:
        UsageError: the calibration has no such operating point, or the score is no cosine similarity.
    """
    _require_cosine(score)
    same = _point(calibration.pairs.match, false_match_rate, "false-match rate")
    different = _point(calibration.pairs.non_match, false_non_match_rate, "false-non-match rate")
    reached = [p for p in calibration.pairs.match if p.threshold is not None and score >= p.threshold]
    rate = reached[-1].false_match_rate if reached else None
    return Verdict(
        answer=_answer(score, same.threshold, different.threshold),
        score=score,
        probability=calibration.pairs.logistic.probability(score),
        error_rate=None if rate is None else rate[0],
        error_interval=None if rate is None else rate[1:],
        expected_false_matches=None,
        calibration=calibration.source.name,
    )


def search_verdict(
    calibration: Calibration,
    score: float,
    people: int,
    *,
    fpir: float = FPIR,
    false_non_match_rate: float = FALSE_NON_MATCH_RATE,
) -> Verdict:
    """Judge the score of a person whom a search has found.

    Args:
        calibration: of the model that made the features.
        score: of the person, by the calibration's scoring rule.
        people: in the gallery; at least 1.
        fpir: share of the strangers' searches that may name somebody.
        false_non_match_rate: as in `compare_verdict`; a person's best image scores higher than most, so fewer are lost.

    Raises:
        UsageError: the calibration has no such operating point, the score is no cosine similarity, `people` is no
            number of people, or `fpir` no rate.
    """
    _require_cosine(score)
    if not people >= 1 or people % 1:
        raise UsageError(
            "there is nobody to be found",
            expected="the number of people in the gallery, at least 1",
            got=f"{people} people",
            cure="enrol someone",
        )
    if not 0 <= fpir <= 1:
        raise UsageError("the FPIR is no rate", expected="a number from 0 to 1", got=f"{fpir}", cure="ask for 0.01")
    search = calibration.search
    different = _point(calibration.pairs.non_match, false_non_match_rate, "false-non-match rate")
    same, reached, size = search.threshold(people, fpir), search.reached(score), search.size(people)
    return Verdict(
        answer=_answer(score, None if same is None else same.threshold, different.threshold),
        score=score,
        probability=calibration.pairs.logistic.probability(score, prior=1 / (people + 1)),
        error_rate=reached.fpir[size] if reached and size is not None else None,
        error_interval=(reached.low[size], reached.high[size]) if reached and size is not None else None,
        expected_false_matches=None if reached is None else people * reached.rate,
        calibration=calibration.source.name,
    )


def _require_cosine(score: float) -> None:
    if not abs(score) <= 1 + SLACK:  # so that NaN is refused too
        raise UsageError(
            "a score cannot be judged",
            expected="a cosine similarity, from -1 to 1",
            got=f"{score}",
            cure="compare unit-length features of the model that was calibrated",
        )


def _answer(score: float, same: float | None, different: float | None) -> Answer:
    if same is not None and score >= same:
        return "same"
    # Where one threshold lies above the other, both are kept: what is called different is not the same either.
    return "different" if different is not None and score < different else "unsure"


def _point(points: tuple[OperatingPoint, ...], target: float, name: str) -> OperatingPoint:
    for point in points:
        if point.target == target:
            return point
    raise UsageError(
        f"the calibration has no operating point for a {name} of {target}",
        expected=", ".join(f"{point.target:g}" for point in points),
        got=f"{target:g}",
        cure="ask for one of these",
    )
