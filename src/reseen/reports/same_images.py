"""Whether two evaluations are of the same images, so that what differs between them is the model's doing."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reseen.assess.description import StoredEvaluation
from reseen.errors import FeaturesError
from reseen.evaluation.protocol import RetrievalSet
from reseen.shapes import Int64

FILES_COMPARED = 200
"""Files that are read where two evaluations have theirs in different places, evenly spaced."""


def require_same_images(first: StoredEvaluation, second: StoredEvaluation) -> None:
    """Refuse evaluations of different images, or of the same images in another order.

    Where both tell their files, these have the same names below the folder that holds them all; where they lie in
    different places and are still there, a part of them is read, and has the same content. Where one of them tells no
    files, the names of the datasets are the same.

    Raises:
        FeaturesError: they are not of the same images.
    """
    for name in ("query_persons", "gallery_persons", "query_cameras", "gallery_cameras"):
        _require_equal(name.replace("_", " "), getattr(first.retrieval, name), getattr(second.retrieval, name))
    _require_equal("images in both query and gallery", *(_identities(each.retrieval) for each in (first, second)))
    cameras = [each.retrieval.camera_names for each in (first, second)]
    if all(cameras) and cameras[0] != cameras[1]:
        raise _different("the same cameras", f"{_shortly(cameras[0])} and {_shortly(cameras[1])}")
    if not (first.query_paths and second.query_paths):
        if first.title != second.title:
            raise _different(
                "the same dataset: not both evaluations name their files", f"{first.title} and {second.title}"
            )
        return
    _require_same_files((*first.query_paths, *first.gallery_paths), (*second.query_paths, *second.gallery_paths))


def _require_equal(what: str, one: Int64[np.ndarray, " n"], other: Int64[np.ndarray, " m"]) -> None:
    if not np.array_equal(one, other):
        got = (
            f"{len(one):,} and {len(other):,} images"
            if len(one) != len(other)
            else f"{np.count_nonzero(one != other):,} of {len(one):,} that differ"
        )
        raise _different(f"the same {what}, in the same order", got)


def _identities(retrieval: RetrievalSet) -> Int64[np.ndarray, " n"]:
    """For each image of query and gallery, the place of the first that is the same image."""
    if retrieval.query_images is None or retrieval.gallery_images is None:
        return np.arange(len(retrieval.query_persons) + len(retrieval.gallery_persons))
    images = np.concatenate([retrieval.query_images, retrieval.gallery_images])
    _, first, which = np.unique(images, return_index=True, return_inverse=True)
    places: Int64[np.ndarray, " n"] = first[which]
    return places


def _require_same_files(one: Sequence[Path], other: Sequence[Path]) -> None:
    roots = [Path(os.path.commonpath(each)) for each in (one, other)]
    for mine, theirs in zip(one, other, strict=True):
        if mine.relative_to(roots[0]) != theirs.relative_to(roots[1]):
            raise _different("files of the same names, in the same order", f"{mine} and {theirs}")
    if roots[0] == roots[1]:
        return
    for place in np.unique(np.linspace(0, len(one) - 1, FILES_COMPARED).astype(int)).tolist():
        mine, theirs = one[place], other[place]
        try:
            same = filecmp.cmp(mine, theirs, shallow=False)
        except OSError:  # no longer there: the names must do
            continue
        if not same:
            raise _different("files of the same content", f"{mine} and {theirs}, which differ")


def _different(expected: str, got: str) -> FeaturesError:
    return FeaturesError(
        "evaluations of different images cannot be compared",
        expected=expected,
        got=got,
        cure="evaluate both on the same dataset",
    )


def _shortly(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
