"""What a calibration says, for people to read."""

from __future__ import annotations

import math
from collections.abc import Iterator

from reseen.calibration.calibration import Calibration
from reseen.calibration.held_back import HeldBack
from reseen.calibration.operating_point import OperatingPoint
from reseen.calibration.proportion import MIN_SOURCES
from reseen.calibration.search_rates import SearchRates
from reseen.reports.verdict_words import per_cent, with_interval
from reseen.scores.interval import MIN_ERRORS

SHOWN_RATES = (0.1, 0.01)
"""False-positive identification rates that people are shown."""
BEYOND = 10_000
"""A gallery that is always shown, measured or extrapolated."""


def calibration_lines(calibration: Calibration) -> list[str]:
    """Whom it was measured on, every threshold with its rates, and what more people could tell."""
    source, pairs, search = calibration.source, calibration.pairs, calibration.search
    cameras = f"{source.cameras} cameras" if source.cameras else "unknown cameras: any two images are compared"
    return [
        f"calibrated on {source.name}: {source.people} people, {source.images} images, {cameras}",
        f"comparing two images ({pairs.genuine_pairs:,} same-person pairs, {pairs.impostor_pairs:,} different-person "
        "pairs):",
        *(f"  {_match(point, source.people)}" for point in pairs.match),
        *(f"  {_non_match(point, source.people)}" for point in pairs.non_match),
        f"searching a gallery ({search.searches:,} strangers' searches, by {search.scoring.replace('_', ' ')}, "
        f"{search.images_per_person:g} images a person):",
        *(f"  {line}" for line in _searched(search, "people")),
        *_folders(search.one_image),
        *_held_back(calibration.held_back),
    ]


def _folders(one_image: SearchRates | None) -> Iterator[str]:
    if one_image is not None:
        yield "searching a folder, each image of which may be of another person:"
        yield from (f"  {line}" for line in _searched(one_image, "images"))


def _held_back(found: HeldBack | None) -> Iterator[str]:
    if found is None:
        return
    yield f"held back (half of the {found.people} people calibrates, the other half is measured, both ways):"
    for pair in found.pairs:
        error, other = ("FMR", "same") if pair.answer == "same" else ("FNMR", "different")
        yield (
            f"  {pair.answer} at {error} {per_cent(pair.target)} → measured {with_interval(*pair.error_rate)}, "
            f"{per_cent(pair.decided[0])} of {other}-person pairs"
        )
    for search in found.searches:
        of, kind = "images" if search.one_image else "people", ", extrapolated" if search.extrapolated else ""
        asked = f"{search.people} {of}, FPIR {per_cent(search.target)}{kind}"
        yield f"  {asked} → measured {with_interval(*search.fpir)}"


def _match(point: OperatingPoint, people: int) -> str:
    if point.threshold is None or point.false_match_rate is None or point.true_match_rate is None:
        # Pairs of two people, and with them the errors, grow with the square of the people.
        more = max(math.sqrt(MIN_ERRORS / max(point.errors, 1)), MIN_SOURCES / max(point.error_sources, 1))
        return f"same at FMR {per_cent(point.target)}: {_too_few(point, math.ceil(people * more))}"
    measured, found = per_cent(point.false_match_rate[0]), per_cent(point.true_match_rate[0])
    return f"same: score ≥ {point.threshold:.4f} → FMR {measured}, TMR {found}"


def _non_match(point: OperatingPoint, people: int) -> str:
    if point.threshold is None or point.false_match_rate is None or point.true_match_rate is None:
        more = max(MIN_ERRORS / max(point.errors, 1), MIN_SOURCES / max(point.error_sources, 1))
        return f"different at FNMR {per_cent(point.target)}: {_too_few(point, math.ceil(people * more))}"
    lost, told = per_cent(1 - point.true_match_rate[0]), per_cent(1 - point.false_match_rate[0])
    return f"different: score < {point.threshold:.4f} → FNMR {lost}, {told} of different-person pairs"


def _too_few(point: OperatingPoint, people: int) -> str:
    if point.errors < MIN_ERRORS:
        why = f"{point.errors} errors ({MIN_ERRORS} needed)"
    else:
        why = f"the {point.errors:,} errors come from ~{point.error_sources} people ({MIN_SOURCES} needed)"
    return f"not enough data: {why}; about {people:,} people could tell"


def _searched(rates: SearchRates, of: str) -> Iterator[str]:
    for size in dict.fromkeys([*rates.shown(), BEYOND]):
        for asked in SHOWN_RATES:
            yield f"{size:,} {of}, FPIR {per_cent(asked)}: {_point(rates, size, asked)}"


def _point(rates: SearchRates, size: int, asked: float) -> str:
    found = rates.point(size, asked)
    if found is None:
        return f"not enough data: with at most {rates.largest(asked):,}, or with more people"
    measured = with_interval(found.fpir, found.interval.low, found.interval.high)
    kind = "extrapolated" if found.extrapolated else "measured"
    return f"score ≥ {found.threshold:.4f} → {kind} {measured}, {size * found.chance:.2g} false matches expected"
