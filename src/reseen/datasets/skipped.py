"""Which queries the protocol will skip, told from the manifest alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from reseen.datasets.manifest import DISTRACTOR, Manifest, Sample

NOT_A_PERSON = "distractor or junk query"
NOT_IN_GALLERY = "person not in gallery"
OWN_CAMERA_ONLY = "only seen by the query's own camera"


@dataclass(frozen=True, slots=True)
class SkippedQuery:
    """A query that has no match, and why."""

    path: str
    person: str
    reason: str


def skipped_queries(manifest: Manifest) -> tuple[SkippedQuery, ...]:
    """Queries without a match once the protocol has left out their own image and their own camera's.

    The rules are those of `reseen.evaluation.protocol`, applied before any feature is computed.
    """
    gallery = manifest.split("gallery")
    cameras: dict[str, Counter[str | None]] = {}
    for sample in gallery:
        cameras.setdefault(sample.person, Counter())[sample.camera] += 1
    images = {_image(sample) for sample in gallery}
    skipped = []
    for query in manifest.split("query"):
        reason = _reason(query, cameras.get(query.person, Counter()), own_image=_image(query) in images)
        if reason is not None:
            skipped.append(SkippedQuery(str(query.path), query.person, reason))
    return tuple(skipped)


def _image(sample: Sample) -> tuple[Path, str, str | None]:
    """What makes two samples the same image."""
    return sample.path, sample.person, sample.camera


def _reason(query: Sample, cameras: Counter[str | None], *, own_image: bool) -> str | None:
    """Why the query is skipped; `cameras` counts the gallery's images of its person by camera."""
    if query.person == DISTRACTOR:
        return NOT_A_PERSON
    others = cameras.total() - own_image
    if others == 0:
        return NOT_IN_GALLERY
    own_camera = 0 if query.camera is None else cameras[query.camera] - own_image
    return OWN_CAMERA_ONLY if others == own_camera else None
