"""`SearchRates`: how often strangers' searches name somebody, in galleries of every size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator

from reseen.calibration.impostor_tail import ImpostorTail
from reseen.calibration.operating_point import OUTSIDE, Cosine, ascends
from reseen.scores.interval import MIN_ERRORS, Interval
from reseen.strict import Count, Rate, Strict


class FalsePositives(Strict):
    """What happens from one threshold on, when strangers search.

    Attributes:
        threshold: somebody is named from this score on.
        rate: the chance that a stranger and one person of the gallery reach it: times the gallery's people, the number
            of false matches to expect.
        errors: how many pairs of a search and a person reached it.
        fpir: false-positive identification rates, for each of the sizes.
        low, high: bounds of their 95 % intervals.
    """

    threshold: Cosine
    rate: Rate
    errors: Count
    fpir: tuple[Rate, ...]
    low: tuple[Rate, ...]
    high: tuple[Rate, ...]

    @model_validator(mode="after")
    def _rates_within_their_intervals(self) -> FalsePositives:
        if not len(self.low) == len(self.fpir) == len(self.high):
            raise ValueError("rates without intervals, or intervals without rates")
        if not all(low <= rate <= high for low, rate, high in zip(self.low, self.fpir, self.high, strict=True)):
            raise ValueError(OUTSIDE)
        if not ascends(self.fpir, strictly=False):
            raise ValueError("rates that fall as the gallery grows")
        if self.errors < MIN_ERRORS:
            raise ValueError(f"{self.errors} errors support no threshold")
        return self


@dataclass(frozen=True)
class SearchPoint:
    """A threshold for the best of a search.

    Attributes:
        threshold: somebody is named from this score on.
        fpir: how often a stranger's search then names somebody.
        interval: of `fpir`, 95 %.
        chance: that a stranger and one person of the gallery reach the threshold.
        extrapolated: whether the tail's law says so, and not a measurement.
    """

    threshold: float
    fpir: float
    interval: Interval
    chance: float
    extrapolated: bool


class SearchRates(Strict):
    """Rates of false positives by threshold and size of the gallery.

    Attributes:
        images_per_person: mean of the gallery; with more of them the best one scores higher.
        people: numbers of people in a gallery, ascending.
        thresholds: ascending.
        tail: what lies beyond; None where too few people were calibrated on, and in files of format 1.
    """

    images_per_person: Annotated[float, Field(ge=1)]
    people: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    thresholds: Annotated[tuple[FalsePositives, ...], Field(min_length=1)]
    tail: ImpostorTail | None = None

    @model_validator(mode="after")
    def _in_order(self) -> SearchRates:
        if not ascends(self.people):
            raise ValueError("people that do not ascend")
        if any(len(each.fpir) != len(self.people) for each in self.thresholds):
            raise ValueError("a rate for each number of people is not there")
        if not ascends([each.threshold for each in self.thresholds]):
            raise ValueError("thresholds that do not ascend")
        for place in range(len(self.people)):
            if not ascends([-each.fpir[place] for each in self.thresholds], strictly=False):
                raise ValueError("rates that rise with the threshold")
        return self

    def size(self, people: int) -> int | None:
        """The place in `people` of the smallest size that is no less; None beyond the largest."""
        return next((place for place, size in enumerate(self.people) if size >= people), None)

    def shown(self) -> tuple[int, ...]:
        """The powers of ten among `people`, from 10 on, and the largest, for people to read."""
        return tuple(size for size in self.people[1:] if str(size).strip("0") == "1" or size == self.people[-1])

    def point(self, people: int, fpir: float) -> SearchPoint | None:
        """The lowest threshold whose FPIR is at most this in a gallery of so many people; None where none is known.

        A measured one where there is one, else an extrapolated one.
        """
        place = self.size(people)
        if place is not None:
            measured = next((each for each in self.thresholds if each.fpir[place] <= fpir), None)
            if measured is not None:
                return _measured(measured, place)
        threshold = None if self.tail is None else self.tail.threshold(people, fpir)
        return None if threshold is None else self._extrapolated(threshold, people)

    def reached(self, score: float, people: int) -> SearchPoint | None:
        """The FPIR in a gallery of so many people from the highest known threshold on that a score reaches, if any."""
        place = self.size(people)
        if place is None:
            return self._extrapolated(score, people) if self.tail and score >= self.tail.start else None
        found = next((each for each in reversed(self.thresholds) if score >= each.threshold), None)
        return None if found is None else _measured(found, place)

    def largest(self, fpir: float) -> int:
        """The most people of a gallery that a threshold of this FPIR is known for; 0 where there is none."""
        low, high = 0, 10**9
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.point(middle, fpir) else (low, middle - 1)
        return low

    def _extrapolated(self, threshold: float, people: int) -> SearchPoint | None:
        if self.tail is None:
            return None
        fpir, interval = self.tail.fpir(threshold, people)
        return SearchPoint(threshold, fpir, interval, self.tail.chance(threshold), extrapolated=True)


def _measured(found: FalsePositives, place: int) -> SearchPoint:
    interval = Interval(found.low[place], found.high[place])
    return SearchPoint(found.threshold, found.fpir[place], interval, found.rate, extrapolated=False)
