"""`EvaluationSplit`: a dataset's query and gallery, found once for everyone who evaluates, plans or checks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from reseen.datasets.codes import Codes
from reseen.datasets.holdout import hold_out_for_evaluation
from reseen.datasets.manifest import Manifest, Sample
from reseen.errors import DatasetError
from reseen.scores.labels import Labels
from reseen.scores.matches import Matches, SkippedQueries


@dataclass(frozen=True)
class EvaluationSplit:
    """Whom to look for, and among whom.

    Attributes:
        manifest: the dataset.
        query: its query images.
        gallery: its gallery images, without junk; an image may be in both.
    """

    manifest: Manifest
    query: tuple[Sample, ...]
    gallery: tuple[Sample, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> EvaluationSplit:
        """The parts as the dataset names them, perhaps empty; `checked` refuses what cannot be evaluated."""
        return cls(manifest, manifest.split("query"), manifest.split("gallery"))

    def checked(self) -> EvaluationSplit:
        """The split itself, when it can be evaluated.

        Raises:
            DatasetError: query or gallery is empty, or every query would be skipped.
        """
        for name, samples in (("query", self.query), ("gallery", self.gallery)):
            if not samples:
                raise DatasetError(
                    f"{self.manifest.root} has no {name} images",
                    expected="a query and a gallery to evaluate on",
                    got=f"{len(self.query)} query and {len(self.gallery)} gallery images",
                    cure="name them in the manifest's split column, or put them into query/ and gallery/",
                )
        if len(self.skipped) == len(self.query):
            raise DatasetError(
                f"{self.manifest.root}: no query can be evaluated: all are skipped",
                expected="at least one query whose person is in the gallery, seen by another camera",
                got=str(self.skipped),
                cure="check the person, camera and split of the images: reseen data check",
            )
        return self

    @property
    def name(self) -> str:
        """The dataset's."""
        return self.manifest.name

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file once, those of the gallery first; image ids are places in it."""
        return self._codes.paths

    @property
    def cameras(self) -> tuple[str, ...]:
        """What the camera codes stand for."""
        return self._codes.cameras

    @property
    def junk_dropped(self) -> int:
        """How many junk images the gallery would have held."""
        return sum(sample.split in ("gallery", None) for sample in self.manifest.junk)

    def labels(self) -> tuple[Labels, Labels]:
        """Codes of the query's persons, cameras and images, and of the gallery's."""
        return self._codes.labels("query", self.query), self._codes.labels("gallery", self.gallery)

    @property
    def skipped(self) -> SkippedQueries:
        """Queries that the protocol will skip, known before any image is read."""
        return self.matches.skipped

    @cached_property
    def matches(self) -> Matches:
        """Which gallery images match which query."""
        return Matches(*self.labels())

    @cached_property
    def _codes(self) -> Codes:
        return Codes.of(self.gallery + self.query)


def evaluation_split(manifest: Manifest, fraction: float = 0) -> EvaluationSplit:
    """What of a dataset is evaluated: where it names no parts, the people whom training holds out, or with 0 everyone.

    Args:
        manifest: the dataset.
        fraction: share of the people that training has held out, `data.evaluation_share` of its recipe.

    Raises:
        DatasetError: query or gallery is empty, or every query would be skipped.
    """
    return EvaluationSplit.of(hold_out_for_evaluation(manifest, fraction) if fraction else manifest).checked()
