"""What a dataset holds, and what is wrong with it: `check` looks at every file."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reseen.datasets.evaluation_split import EvaluationSplit
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, SPLITS, Manifest, Sample, Split
from reseen.datasets.report import BrokenFile, DatasetReport, Duplicates, Part, Sizes, SkippedQuery
from reseen.errors import ImageError
from reseen.images.decode import decode_image, read_image_bytes
from reseen.map_ahead import OnProgress, map_all


@dataclass(frozen=True, slots=True)
class _File:
    """What was found out about one file: `error` when it is broken, else the rest."""

    path: Path
    error: ImageError | None = None
    sha256: bytes = b""
    size: tuple[int, int] = (0, 0)


def check(manifest: Manifest, *, threads: int | None = None, progress: OnProgress | None = None) -> DatasetReport:
    """Count what a dataset holds, and decode every file of it (junk included), once.

    Args:
        manifest: the dataset.
        threads: threads that decode; None leaves it to `map_all`.
        progress: called with files looked at and files in all.
    """
    samples_of: dict[Path, list[Sample]] = defaultdict(list)
    for sample in manifest.samples:
        samples_of[sample.path].append(sample)
    files = map_all(_look_at, list(samples_of), threads=threads, progress=progress)
    whole = [file for file in files if file.error is None]
    cameras_of, images_of = _views(manifest)
    return DatasetReport(
        name=manifest.name,
        root=str(manifest.root),
        parts=_parts(manifest),
        files=len(files),
        cameras=tuple(sorted({sample.camera for sample in manifest.samples if sample.camera is not None})),
        broken=tuple(_broken(file.path, file.error) for file in files if file.error is not None),
        sizes=_sizes(whole),
        duplicates=_duplicates(whole, samples_of),
        one_image=tuple(sorted(person for person, images in images_of.items() if len(images) == 1)),
        one_camera=tuple(sorted(p for p, cameras in cameras_of.items() if len(cameras) == 1 and None not in cameras)),
        overlap=_overlap(manifest),
        skipped=_skipped(EvaluationSplit.of(manifest)),
        passed_over=tuple(map(str, manifest.passed_over)),
    )


def _look_at(path: Path) -> _File:
    try:
        data = read_image_bytes(path)
        height, width, _ = decode_image(data, name=str(path)).shape
    except ImageError as error:
        return _File(path, error=error)
    return _File(path, sha256=hashlib.sha256(data).digest(), size=(height, width))


def _broken(path: Path, error: ImageError) -> BrokenFile:
    return BrokenFile(str(path), f"{error.what} ({error.got})")


def _parts(manifest: Manifest) -> tuple[Part, ...]:
    samples_of: dict[Split | None, list[Sample]] = {}
    if manifest.has_splits:
        samples_of.update({split: [] for split in SPLITS})
    for sample in manifest.samples:
        samples_of.setdefault(sample.split, []).append(sample)
    return tuple(_part(split, samples) for split, samples in samples_of.items())


def _part(split: Split | None, samples: list[Sample]) -> Part:
    junk = sum(sample.person == JUNK_NAME for sample in samples)
    distractors = sum(sample.person == DISTRACTOR_NAME for sample in samples if split != "train")
    persons = {sample.person for sample in samples} - {JUNK_NAME}
    return Part(split, len(samples) - junk, len(persons) - (distractors > 0), distractors, junk)


def _views(manifest: Manifest) -> tuple[dict[str, set[str | None]], dict[str, set[Path]]]:
    """The cameras that saw each person, and the images of each, over all parts."""
    cameras: dict[str, set[str | None]] = defaultdict(set)
    images: dict[str, set[Path]] = defaultdict(set)
    for sample in manifest.samples:
        if sample.person not in (JUNK_NAME, DISTRACTOR_NAME):
            cameras[sample.person].add(sample.camera)
            images[sample.person].add(sample.path)
    return cameras, images


def _sizes(files: list[_File]) -> Sizes | None:
    if not files:
        return None
    heights, widths = zip(*(file.size for file in files), strict=True)
    return Sizes(
        smallest_height=min(heights),
        largest_height=max(heights),
        smallest_width=min(widths),
        largest_width=max(widths),
        different=len({file.size for file in files}),
    )


def _duplicates(files: list[_File], samples_of: Mapping[Path, list[Sample]]) -> tuple[Duplicates, ...]:
    paths_of: dict[bytes, list[Path]] = defaultdict(list)
    for file in files:
        paths_of[file.sha256].append(file.path)
    groups = []
    for paths in paths_of.values():
        if len(paths) > 1:
            samples = [sample for path in paths for sample in samples_of[path]]
            groups.append(
                Duplicates(
                    paths=tuple(map(str, paths)),
                    splits=tuple(sorted({sample.split for sample in samples if sample.split is not None})),
                    persons=tuple(sorted({sample.person for sample in samples})),
                )
            )
    return tuple(groups)


def _skipped(split: EvaluationSplit) -> tuple[SkippedQuery, ...]:
    """In the order of the queries."""
    reasons = {place: reason for reason, places in split.skipped.by_reason.items() for place in places.tolist()}
    skipped = ((split.query[place], reason) for place, reason in sorted(reasons.items()))
    return tuple(SkippedQuery(str(query.path), query.person, reason) for query, reason in skipped)


def _overlap(manifest: Manifest) -> tuple[str, ...]:
    """Persons that are both trained on and evaluated on."""
    if not manifest.has_splits:
        return ()
    trained = {sample.person for sample in manifest.split("train")}
    evaluated = {sample.person for split in ("query", "gallery") for sample in manifest.split(split)}
    return tuple(sorted((trained & evaluated) - {DISTRACTOR_NAME}))
