from __future__ import annotations

from pathlib import Path

import numpy as np

from reseen.datasets.manifest import (
    DISTRACTOR_NAME,
    JUNK_NAME,
    Manifest,
    Sample,
    Split,
    person_labels,
)


def manifest(*samples: tuple[str, Split | None]) -> Manifest:
    return Manifest(
        name="test",
        root=Path("root"),
        samples=tuple(
            Sample(Path(f"{place}.jpg"), person, split=split) for place, (person, split) in enumerate(samples)
        ),
    )


def test_a_part_holds_its_own_images_in_order_without_junk() -> None:
    dataset = manifest(
        ("b", "train"), (JUNK_NAME, "gallery"), ("a", "train"), (DISTRACTOR_NAME, "gallery"), ("c", "query")
    )
    assert [s.person for s in dataset.split("train")] == ["b", "a"]
    assert [s.person for s in dataset.split("gallery")] == [DISTRACTOR_NAME]
    assert [s.person for s in dataset.split("query")] == ["c"]
    assert [s.person for s in dataset.junk] == [JUNK_NAME]
    assert dataset.has_splits


def test_a_dataset_without_parts_gives_all_images_for_every_part() -> None:
    dataset = manifest(("b", None), (JUNK_NAME, None), ("a", None))
    assert not dataset.has_splits
    assert [s.person for s in dataset.split("train")] == ["b", "a"]
    assert dataset.split("train") == dataset.split("query") == dataset.split("gallery")


def test_labels_follow_the_sorted_order_of_persons() -> None:
    labels, persons = person_labels(manifest(("9", None), ("10", None), ("a", None), ("10", None)).samples)
    assert persons == ("10", "9", "a")
    np.testing.assert_array_equal(labels, [1, 0, 2, 0])
