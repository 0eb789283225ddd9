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
from reseen.calibration.search_calibration import SearchCalibration
from reseen.calibration.search_rates import SearchPoint, SearchRates
from reseen.errors import UsageError
from reseen.scores.histogram import SLACK

Answer = Literal["same", "unsure", "different"]
Reason = Literal["between_thresholds", "too_few_people", "gallery_too_large", "unlike"]
"""Why a verdict is unsure: the score lies between the thresholds; too few people were calibrated on for the rate asked
for, or for so large a gallery; an image is unlike those that were calibrated on."""
FALSE_MATCH_RATE = 1e-3
FALSE_NON_MATCH_RATE = 1e-2
FPIR = 1e-2


@dataclass(frozen=True)
class Verdict:
    """What a score means.

    Examples:
        >>> import numpy as np, reseen
        >>> crop = np.random.default_rng(0).integers(0, 256, (128, 64, 3), dtype=np.uint8)
        >>> with reseen.load() as embedder:
        ...     verdict = embedder.compare(crop, crop).verdict
        >>> verdict.answer in {"same", "unsure", "different"}
        True

    Attributes:
        answer: `same` and `different` only where the calibration supports the rate asked for; otherwise `unsure`.
        score: cosine similarity.
        probability: of the same person: for two images with an even prior; for a search with every person of the
            gallery and a stranger equally likely before it. A search's is too low, and the more so the larger the
            gallery: it is that of two images with this score, while the best of many is looked at, which for the
            person searched for is the best image of several. What decides is `answer`, by the rates of searches.
            None where an image is unlike those that were calibrated on.
        error_rate: for two images, the measured rate of false matches at the strictest operating point that the score
            reaches; for a search, the FPIR from the highest calibrated threshold on that it reaches. None below all,
            for galleries beyond the calibration's, and for images unlike its own. For `different`, the measured rate of
            false non-matches.
        error_interval: 95 % interval of `error_rate`.
        expected_false_matches: people of the gallery whom a stranger would match at such a score; None for two images,
            and for scores below all thresholds.
        calibration: name of the set that all this was measured on.
        reason: why the answer is `unsure`; None for the others.
        same_from: scores from here on are called the same; None where that cannot be said.
        different_below: scores below are called different; None where that cannot be said.
        extrapolated: whether `same_from` and `error_rate` are extrapolated: the gallery is larger, or the rate lower,
            than was measured.
        largest: for a gallery that is too large, the most people that could be judged at this rate.
        unlike: for `unlike`, in words, how the images differ from those that were calibrated on.
    """

    answer: Answer
    score: float
    probability: float | None
    error_rate: float | None
    error_interval: tuple[float, float] | None
    expected_false_matches: float | None
    calibration: str
    reason: Reason | None = None
    same_from: float | None = None
    different_below: float | None = None
    extrapolated: bool = False
    largest: int | None = None
    unlike: str | None = None


def compare_verdict(
    calibration: Calibration,
    score: float,
    *,
    false_match_rate: float = FALSE_MATCH_RATE,
    false_non_match_rate: float = FALSE_NON_MATCH_RATE,
    unlike: str | None = None,
) -> Verdict:
    """Judge the score of two images.

    Args:
        calibration: of the model that made their features.
        score: their cosine similarity.
        false_match_rate: share of the different-person pairs that may be called the same; one of the calibration's.
        false_non_match_rate: share of the same-person pairs that may be called different; one of the calibration's.
        unlike: how the images differ from those that were calibrated on, if they do: then no rate holds.

    Raises:
        UsageError: the calibration has no such operating point, or the score is no cosine similarity.
    """
    _require_cosine(score)
    same = _point(calibration.pairs.match, false_match_rate, "false-match rate").threshold
    lost = _point(calibration.pairs.non_match, false_non_match_rate, "false-non-match rate")
    if unlike is not None:
        return _unlike(calibration, score, unlike)
    reached = [p for p in calibration.pairs.match if p.threshold is not None and score >= p.threshold]
    answer = _answer(score, same, lost.threshold)
    rate = _lost(lost) if answer == "different" else reached[-1].false_match_rate if reached else None
    return Verdict(
        answer=answer,
        score=score,
        probability=calibration.pairs.logistic.probability(score),
        error_rate=None if rate is None else rate[0],
        error_interval=None if rate is None else rate[1:],
        expected_false_matches=None,
        calibration=calibration.source.name,
        reason=None if answer != "unsure" else _why(same, lost.threshold),
        same_from=same,
        different_below=lost.threshold,
    )


def search_verdict(
    calibration: Calibration,
    score: float,
    people: int,
    *,
    images: int | None = None,
    fpir: float = FPIR,
    false_non_match_rate: float = FALSE_NON_MATCH_RATE,
    unlike: str | None = None,
) -> Verdict:
    """Judge the score of a person whom a search has found.

    Args:
        calibration: of the model that made the features.
        score: of the person, by the calibration's scoring rule; with `images`, of one image.
        people: in the gallery, at most; at least 1.
        images: in the gallery, where each image is an entry of its own, as in a folder; None: each person is an entry,
            with about as many images as in the calibration.
        fpir: share of the strangers' searches that may name somebody.
        false_non_match_rate: as in `compare_verdict`; a person's best image scores higher than most, so fewer are lost.
        unlike: how the images differ from those that were calibrated on, if they do: then no rate holds.

    Raises:
        UsageError: the calibration has no such operating point, the score is no cosine similarity, `people` or `images`
            is no number of them, or `fpir` no rate.
    """
    _require_cosine(score)
    _require_counts(people, images)
    if not 0 <= fpir <= 1:
        raise UsageError("the FPIR is no rate", expected="a number from 0 to 1", got=f"{fpir}", cure="ask for 0.01")
    lost = _point(calibration.pairs.non_match, false_non_match_rate, "false-non-match rate")
    if unlike is not None:
        return _unlike(calibration, score, unlike)
    rates, size = _decisive(calibration.search, people, images, fpir)
    point = rates.point(size, fpir)
    same = None if point is None else point.threshold
    reached = _reached(rates, size, point, score)
    answer = _answer(score, same, lost.threshold)
    rate = _lost(lost) if answer == "different" else _rate(reached)
    largest = rates.largest(fpir) if point is None else None
    return Verdict(
        answer=answer,
        score=score,
        probability=calibration.pairs.logistic.probability(score, prior=1 / (people + 1)),
        error_rate=None if rate is None else rate[0],
        error_interval=None if rate is None else rate[1:],
        expected_false_matches=size * reached.chance if reached else None,
        calibration=calibration.source.name,
        reason=None if answer != "unsure" else "gallery_too_large" if largest else _why(same, lost.threshold),
        same_from=same,
        different_below=lost.threshold,
        extrapolated=answer != "different" and any(each.extrapolated for each in (point, reached) if each is not None),
        largest=largest or None,
    )


def _decisive(search: SearchCalibration, people: int, images: int | None, fpir: float) -> tuple[SearchRates, int]:
    """The rates that decide, and the size of the gallery for them.

    A folder of n images of N people is bounded twice: by n people of one image each, and by N people of as many images
    as were calibrated with, where it has no more. Both bounds hold, so that the lower threshold is taken.
    """
    bounds: list[tuple[SearchRates, int]] = []
    if images is not None and search.one_image is not None:
        bounds.append((search.one_image, images))
    if images is None or (search.scoring == "best_image" and images <= people * search.images_per_person):
        bounds.append((search, people))
    if not bounds:  # an old calibration, and more images than people could have: each counts as a person
        bounds.append((search, images or people))
    known: list[tuple[SearchPoint, SearchRates, int]] = [
        (point, rates, size) for rates, size in bounds if (point := rates.point(size, fpir)) is not None
    ]
    if not known:
        return bounds[-1]
    _, rates, size = min(known, key=lambda each: each[0].threshold)
    return rates, size


def _reached(rates: SearchRates, size: int, point: SearchPoint | None, score: float) -> SearchPoint | None:
    """What is known of the scores from this one on."""
    if point is not None and point.extrapolated and score >= point.threshold:
        return point  # deeper in the tail an interval says less and less
    if point is None and rates.size(size) is None:
        return None
    return rates.reached(score, size)


def _rate(reached: SearchPoint | None) -> tuple[float, float, float] | None:
    return None if reached is None else (reached.fpir, reached.interval.low, reached.interval.high)


def _lost(point: OperatingPoint) -> tuple[float, float, float] | None:
    """The rate of false non-matches, and the bounds of its interval."""
    if point.true_match_rate is None:
        return None
    rate, low, high = point.true_match_rate
    return 1 - rate, 1 - high, 1 - low


def _unlike(calibration: Calibration, score: float, unlike: str) -> Verdict:
    return Verdict("unsure", score, None, None, None, None, calibration.source.name, reason="unlike", unlike=unlike)


def _require_cosine(score: float) -> None:
    if not abs(score) <= 1 + SLACK:  # so that NaN is refused too
        raise UsageError(
            "the score is not a cosine similarity",
            expected="a number from -1 to 1",
            got=f"{score}",
            cure="compare unit-length features of the model that was calibrated",
        )


def _require_counts(people: int, images: int | None) -> None:
    for name, count in (("people", people), ("images", images)):
        if count is not None and (not count >= 1 or count % 1):
            raise UsageError(
                f"`{name}` must be at least 1",
                expected=f"the number of {name} in the gallery",
                got=f"{count}",
                cure="enrol someone",
            )


def _answer(score: float, same: float | None, different: float | None) -> Answer:
    if same is not None and score >= same:
        return "same"
    # Where one threshold lies above the other, both are kept: what is called different is not the same either.
    return "different" if different is not None and score < different else "unsure"


def _why(same: float | None, different: float | None) -> Reason:
    return "between_thresholds" if same is not None and different is not None else "too_few_people"


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
