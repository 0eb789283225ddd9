from __future__ import annotations

from pathlib import Path

import numpy as np

from reseen.datasets.manifest import (
    DISTRACTOR,
    JUNK,
    Manifest,
    Sample,
    Split,
    camera_codes,
    person_codes,
    person_labels,
)
from reseen.scores.labels import UNKNOWN_CAMERA


def manifest(*samples: tuple[str, Split | None]) -> Manifest:
    return Manifest(
        name="test",
        root=Path("root"),
        samples=tuple(
            Sample(Path(f"{place}.jpg"), person, split=split) for place, (person, split) in enumerate(samples)
        ),
    )


def test_a_part_holds_its_own_images_in_order_without_junk() -> None:
    dataset = manifest(("b", "train"), (JUNK, "gallery"), ("a", "train"), (DISTRACTOR, "gallery"), ("c", "query"))
    assert [s.person for s in dataset.split("train")] == ["b", "a"]
    assert [s.person for s in dataset.split("gallery")] == [DISTRACTOR]
    assert [s.person for s in dataset.split("query")] == ["c"]
    assert [s.person for s in dataset.junk] == [JUNK]
    assert dataset.has_splits


def test_a_dataset_without_parts_gives_all_images_for_every_part() -> None:
    dataset = manifest(("b", None), (JUNK, None), ("a", None))
    assert not dataset.has_splits
    assert [s.person for s in dataset.split("train")] == ["b", "a"]
    assert dataset.split("train") == dataset.split("query") == dataset.split("gallery")


def test_labels_follow_the_sorted_order_of_persons() -> None:
    labels, persons = person_labels(manifest(("9", None), ("10", None), ("a", None), ("10", None)).samples)
    assert persons == ("10", "9", "a")
    np.testing.assert_array_equal(labels, [1, 0, 2, 0])


def test_person_codes_keep_0_and_minus_1_for_distractors_and_junk() -> None:
    dataset = manifest(("b", None), (JUNK, None), (DISTRACTOR, None), ("a", None))
    np.testing.assert_array_equal(person_codes(dataset.samples, ("a", "b")), [2, -1, 0, 1])
    np.testing.assert_array_equal(person_codes(dataset.samples, ("0000", "a", "b")), [3, -1, 0, 2])


def test_camera_codes_mark_unknown_cameras() -> None:
    samples = tuple(Sample(Path("a.jpg"), "p", camera=camera) for camera in ("c2", None, "c1"))
    np.testing.assert_array_equal(camera_codes(samples, ("c1", "c2")), [1, UNKNOWN_CAMERA, 0])
