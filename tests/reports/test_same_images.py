"""Only evaluations of the same images are compared."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reseen.assess.description import StoredEvaluation
from reseen.errors import FeaturesError
from reseen.evaluation.protocol import RetrievalSet
from reseen.reports.same_images import require_same_images

SmallSet = tuple[RetrievalSet, tuple[Path, ...], tuple[Path, ...]]


@pytest.fixture
def reported(small_retrieval: SmallSet) -> StoredEvaluation:
    return StoredEvaluation("people", "tiny", "command", *small_retrieval)


def moved(reported: StoredEvaluation, folder: Path) -> StoredEvaluation:
    """The same images, copied to another place."""
    for path in (*reported.query_paths, *reported.gallery_paths):
        shutil.copy(path, folder)
    query, gallery = (
        tuple(folder / path.name for path in paths) for paths in (reported.query_paths, reported.gallery_paths)
    )
    return replace(reported, title="copied", query_paths=query, gallery_paths=gallery)


def are_the_same(one: StoredEvaluation, other: StoredEvaluation) -> bool:
    try:
        require_same_images(one, other)
    except FeaturesError:
        return False
    return True


def test_the_same_images_in_another_place_are_the_same(reported: StoredEvaluation, tmp_path: Path) -> None:
    copied = moved(reported, tmp_path)

    assert are_the_same(reported, reported)
    assert are_the_same(reported, copied)
    copied.query_paths[0].unlink()
    assert are_the_same(reported, copied)
    copied.query_paths[1].write_bytes(b"another")
    assert not are_the_same(reported, copied)


def test_other_images_of_the_same_names_are_refused(reported: StoredEvaluation, tmp_path: Path) -> None:
    copied = moved(reported, tmp_path)
    copied.gallery_paths[5].write_bytes(b"another")

    with pytest.raises(FeaturesError, match="different images") as refused:
        require_same_images(reported, copied)
    assert refused.value.got == f"{reported.gallery_paths[5]} and {copied.gallery_paths[5]}, which differ"


def test_files_of_other_names_are_refused(reported: StoredEvaluation) -> None:
    other = replace(reported, query_paths=(*reported.query_paths[:-1], reported.query_paths[-1].with_name("x.jpg")))
    with pytest.raises(FeaturesError, match=r"different images(.|\n)*files of the same names"):
        require_same_images(reported, other)


def test_without_files_the_names_of_the_datasets_tell(reported: StoredEvaluation) -> None:
    bare = replace(reported, query_paths=(), gallery_paths=())
    require_same_images(reported, bare)
    with pytest.raises(FeaturesError, match=r"different images(.|\n)*got: people and campus"):
        require_same_images(reported, replace(bare, title="campus"))


def test_cameras_of_other_names_are_refused(reported: StoredEvaluation) -> None:
    one, other = (
        replace(reported, retrieval=replace(reported.retrieval, camera_names=names))
        for names in (("yard", "gate", "hall"), ("yard", "gate", "roof"))
    )
    require_same_images(one, reported)
    with pytest.raises(FeaturesError, match="got: yard, gate, hall and yard, gate, roof"):
        require_same_images(one, other)


@pytest.mark.parametrize("name", ["query_persons", "gallery_persons", "query_cameras", "gallery_cameras"])
def test_other_people_or_cameras_are_refused(reported: StoredEvaluation, name: str) -> None:
    changed = getattr(reported.retrieval, name).copy()
    changed[2] += 1
    with pytest.raises(FeaturesError, match="different images") as refused:
        require_same_images(reported, replace(reported, retrieval=replace(reported.retrieval, **{name: changed})))
    assert refused.value.got == f"1 of {len(changed)} that differ"


def test_queries_that_are_in_the_gallery_in_one_alone_are_refused(reported: StoredEvaluation) -> None:
    numbered, shared = (
        replace(
            reported,
            retrieval=replace(
                reported.retrieval, query_images=np.arange(13) + first, gallery_images=np.arange(100, 137)
            ),
        )
        for first in (0, 98)
    )
    require_same_images(reported, numbered)
    with pytest.raises(FeaturesError, match=r"different images(.|\n)*the same images in both query and gallery"):
        require_same_images(reported, shared)
