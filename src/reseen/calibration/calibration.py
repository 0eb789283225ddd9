"""`Calibration`: what a score of one model means, measured on people whom neither training nor any report has seen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from reseen.calibration.calibration_set import CalibrationSet
from reseen.calibration.held_back import HeldBack, hold_back
from reseen.calibration.pair_calibration import PairCalibration, calibrate_pairs
from reseen.calibration.search_calibration import SearchCalibration, calibrate_search
from reseen.calibration.strangers import ScoringRule
from reseen.calibration.usual import Usual
from reseen.errors import FeaturesError
from reseen.files import write_whole
from reseen.scores.blocks import RowsDone
from reseen.strict import Count, Strict, read_json

MAX_BYTES = 4 * 2**20
MAX_IMAGES = 50_000
"""Most images that are compared with each other: some minutes' work."""
MAX_NAME = 300
"""Longest name of a set, in characters."""


class CalibrationSource(Strict):
    """The people that a calibration was measured on.

    Attributes:
        name: what to call them.
        sha256: of their features, persons and cameras; see `CalibrationSet.sha256`.
        people: how many.
        images: of them.
        cameras: how many cameras took them; 0 when that is not known, and any two images were compared.
        dimensions: numbers in a feature.
    """

    name: Annotated[str, Field(max_length=MAX_NAME)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    people: Count
    images: Count
    cameras: Count
    dimensions: Count


class Calibration(Strict):
    """What a score means: for two images, and for the best of a search.

    Examples:
        >>> import reseen
        >>> with reseen.load() as embedder:
        ...     calibration = embedder.calibration
        >>> calibration.source.people > 0
        True

    Attributes:
        format: version of this file; files of format 1 hold less.
        source: whom it was measured on.
        pairs: comparing two images.
        search: searching a gallery.
        usual: what its images look like; None where only their features were known.
        held_back: error rates on people who had no part in the thresholds; None where that was not measured.
    """

    format: Literal[1, 2] = 2
    source: CalibrationSource
    pairs: PairCalibration
    search: SearchCalibration
    usual: Usual | None = None
    held_back: HeldBack | None = None

    def __repr__(self) -> str:
        return f"<Calibration on {self.source.name}: {self.source.people:,} people, {self.source.images:,} images>"


def calibrate(
    held: CalibrationSet,
    scoring: ScoringRule = "best_image",
    progress: Callable[[str, int, int], None] | None = None,
    *,
    check: bool = False,
) -> Calibration:
    """Measure what scores mean on held-out people.

    Args:
        held: the people.
        scoring: how a search compares a query and a person.
        progress: told how far the `pairs`, the `searches` and the `check` have come.
        check: whether error rates are measured by `hold_back`, too.

    Raises:
        FeaturesError: the people are too few, their images more than `MAX_IMAGES`, no camera sees what another sees, or
            scores do not tell people apart.
    """
    if len(held.features) > MAX_IMAGES:
        raise FeaturesError(
            f"{held.name} holds too many images to calibrate on",
            expected=f"at most {MAX_IMAGES:,}, as every pair is compared",
            got=f"{len(held.features):,}",
            cure="calibrate on some of the people, with all of their images",
        )
    cameras = set(held.cameras.tolist()) - {-1}
    return Calibration(
        source=CalibrationSource(
            name=held.name.encode(errors="replace").decode()[:MAX_NAME],
            sha256=held.sha256,
            people=held.people,
            images=len(held.features),
            cameras=len(cameras),
            dimensions=held.features.shape[1],
        ),
        pairs=calibrate_pairs(held, _stage(progress, "pairs")),
        search=calibrate_search(held, scoring, _stage(progress, "searches")),
        usual=held.usual,
        held_back=hold_back(held, scoring, _stage(progress, "check")) if check else None,
    )


def _stage(progress: Callable[[str, int, int], None] | None, stage: str) -> RowsDone | None:
    return None if progress is None else partial(progress, stage)


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write a calibration as JSON.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(path, calibration.model_dump_json(indent=1) + "\n")


def read_calibration(path: Path) -> Calibration:
    """Read what `write_calibration` wrote.

    Raises:
        FeaturesError: the file cannot be read, is too large, or is not a calibration of this version.
    """

    def refuse(got: str) -> FeaturesError:
        return FeaturesError(
            f"cannot read the calibration in {path}",
            expected="the JSON that reseen calibrate writes, format 1 or 2",
            got=got,
            cure="check the path, or calibrate again: reseen calibrate",
        )

    return read_json(path, Calibration, MAX_BYTES, refuse)
