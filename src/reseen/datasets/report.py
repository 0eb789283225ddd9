"""`DatasetReport`: what a check of a dataset found, for people (`lines`) and for machines (`to_dict`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reseen.datasets.manifest import Split

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the protocol; `split` is None for a dataset that names no parts.

    Attributes:
        images: images that are used: distractors included, junk not.
        persons: different persons, distractors and junk not counted.
        distractors: images that match no query, kept; training has none.
        junk: images that were dropped.
    """

    split: Split | None
    images: int
    persons: int
    distractors: int
    junk: int


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file that cannot be decoded, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Files with the same content (SHA-256), the parts they are in, and the persons they are said to show."""

    paths: tuple[str, ...]
    splits: tuple[str, ...]
    persons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Range of the images' sizes in pixels, and how many different sizes there are."""

    smallest_height: int
    largest_height: int
    smallest_width: int
    largest_width: int
    different: int


@dataclass(frozen=True, slots=True)
class SkippedQuery:
    """A query that has no match, and why."""

    path: str
    person: str
    reason: str


@dataclass(frozen=True)
class DatasetReport:
    """What a dataset holds.

    Attributes:
        name, root: of the manifest.
        parts: counts for each part of the protocol.
        files: different files, all of which were looked at.
        cameras: cameras that are known, sorted.
        broken: files that cannot be decoded.
        sizes: of the others; None when there are none.
        duplicates: groups of files with the same content.
        one_image: persons with a single image in all parts together.
        one_camera: persons seen by a single camera in all parts together; persons with unknown cameras do not count.
        overlap: persons both in training and in query or gallery.
        skipped: queries that the protocol will skip, and why.
        passed_over: files among the images that are of no kind that is read.
    """

    name: str
    root: str
    parts: tuple[Part, ...]
    files: int
    cameras: tuple[str, ...]
    broken: tuple[BrokenFile, ...]
    sizes: Sizes | None
    duplicates: tuple[Duplicates, ...]
    one_image: tuple[str, ...]
    one_camera: tuple[str, ...]
    overlap: tuple[str, ...]
    skipped: tuple[SkippedQuery, ...]
    passed_over: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """The report as text; long lists are cut short."""
        yield f"{self.name} ({self.root})"
        yield from map(_describe_part, self.parts)
        yield f"cameras: {_some(self.cameras) if self.cameras else 'not known'}"
        if self.sizes is not None:
            yield (
                f"sizes: {self.sizes.different:,} different, height {self.sizes.smallest_height} to "
                f"{self.sizes.largest_height}, width {self.sizes.smallest_width} to {self.sizes.largest_width} pixels"
            )
        yield f"files: {self.files:,} decoded, {len(self.broken):,} broken"
        yield from (f"  {file.reason}" for file in self.broken)
        if self.passed_over:
            yield f"files ignored, not a supported image: {_some(self.passed_over)}"
        across = sum(len(group.splits) > 1 for group in self.duplicates)
        yield f"duplicates: {len(self.duplicates):,} groups of files with the same content, {across:,} across parts"
        worst_first = sorted(self.duplicates, key=lambda group: (-len(group.splits), -len(group.persons)))
        yield from (f"  {' = '.join(group.paths)}" for group in worst_first[:_SHOWN])
        yield f"people with one image: {_some(self.one_image)}"
        yield f"people seen by one camera: {_some(self.one_camera)}"
        yield f"people both in training and in evaluation: {_some(self.overlap)}"
        yield f"queries that would be skipped: {len(self.skipped):,}"
        for reason in sorted({query.reason for query in self.skipped}):
            yield f"  {reason}: {_some([query.path for query in self.skipped if query.reason == reason])}"

    def to_dict(self) -> dict[str, Any]:
        """The whole report, ready for JSON."""
        return asdict(self)


def _describe_part(part: Part) -> str:
    text = f"{part.split or 'all'}: {part.images:,} images of {part.persons:,} people"
    if part.distractors:
        text += f" ({part.images - part.distractors:,} + {part.distractors:,} distractors)"
    return text + (f", {part.junk:,} junk dropped" if part.junk else "")


def _some(names: Sequence[str]) -> str:
    """How many, and the first few."""
    if not names:
        return "0"
    return f"{len(names):,} ({', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''})"
