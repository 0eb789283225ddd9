"""`Match`: how alike two images are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reseen.calibration.calibration import Calibration
    from reseen.calibration.verdict import Answer, Verdict


@dataclass(frozen=True)
class Match:
    """How alike two images are.

    Examples:
        >>> import numpy as np, reseen
        >>> crops = np.random.default_rng(0).integers(0, 256, (3, 128, 64, 3), dtype=np.uint8)
        >>> with reseen.load() as embedder:
        ...     best = embedder.search(crops[1], crops)[0]
        >>> best.name, round(best.score, 3)
        ('image 1', 1.0)

    Attributes:
        score: cosine similarity, -1 to 1.
        verdict: whether that is one person, and how often such an answer is wrong; None without a calibration.
        name: what was found in a search; None where two given images were compared.
    """

    score: float
    verdict: Verdict | None = None
    name: str | None = None

    @property
    def answer(self) -> Answer | None:
        """`same`, `different` or `unsure`; None without a calibration."""
        return None if self.verdict is None else self.verdict.answer

    @property
    def probability(self) -> float | None:
        """Of being one person, 0 to 1, as the verdict tells it; None without a calibration."""
        return None if self.verdict is None else self.verdict.probability

    def __repr__(self) -> str:
        told = [f"{self.score:.4f}", *filter(None, [self.answer, self.name])]
        return f"Match({', '.join(told)})"


def compared(
    calibration: Calibration | None, score: float, rate: float | None = None, unlike: str | None = None
) -> Match:
    """What the score of two images means.

    Args:
        calibration: of the model; None where there is none.
        score: cosine similarity.
        rate: of false matches that the answer `same` is to keep, one of the calibration's; None: 0.001.
        unlike: how the images differ from all that were calibrated on, where they do.

    Raises:
        UsageError: the calibration does not know the rate.
    """
    if calibration is None:
        return Match(score)
    from reseen.calibration import verdict  # noqa: PLC0415 - scipy, which scores do not need

    asked = verdict.FALSE_MATCH_RATE if rate is None else rate
    return Match(score, verdict.compare_verdict(calibration, score, false_match_rate=asked, unlike=unlike))


@dataclass(frozen=True)
class Gallery:
    """What verdicts of a search depend on.

    Attributes:
        images: in the gallery, each an entry of its own.
        people: that they show, at most; None: each image may be of another person.
        rate: share of strangers' searches that may name somebody (FPIR); None: 0.01.
    """

    images: int
    people: int | None = None
    rate: float | None = None

    @property
    def most_people(self) -> int:
        """How many people there are at most."""
        return self.images if self.people is None else min(self.people, self.images)


def found(
    calibration: Calibration | None, score: float, name: str, gallery: Gallery, unlike: str | None = None
) -> Match:
    """What the score of a search's result means.

    Args:
        calibration: of the model; None where there is none.
        score: cosine similarity.
        name: of what was found.
        gallery: that was searched.
        unlike: how the images differ from all that were calibrated on, where they do.

    Raises:
        UsageError: the rate is none.
    """
    if calibration is None or gallery.most_people < 1:
        return Match(score, name=name)
    from reseen.calibration import verdict  # noqa: PLC0415 - scipy, which scores do not need

    fpir = verdict.FPIR if gallery.rate is None else gallery.rate
    people, images = gallery.most_people, gallery.images
    told = verdict.search_verdict(calibration, score, people, images=images, fpir=fpir, unlike=unlike)
    return Match(score, told, name)
