from __future__ import annotations

import numpy as np

from reseen.scores.labels import Labels
from reseen.scores.matches import Matches, SkipReason


def labels(persons: list[int], cameras: list[int], images: list[int] | None = None) -> Labels:
    ids = None if images is None else np.array(images, dtype=np.int64)
    return Labels("test", np.array(persons, dtype=np.int64), np.array(cameras, dtype=np.int64), ids)


def test_what_is_skipped_is_told_by_place_and_in_words() -> None:
    skipped = Matches(labels([1, 2, 9, 0, 1], [1, 1, 1, 1, 3]), labels([1, 2, 0], [2, 1, 1])).skipped

    assert {reason: places.tolist() for reason, places in skipped.by_reason.items()} == {
        SkipReason.NOT_IN_GALLERY: [2],
        SkipReason.OWN_CAMERA_ONLY: [1],
        SkipReason.NOT_A_PERSON: [3],
    }
    assert len(skipped) == 3
    assert str(skipped) == (
        "1 × person not in gallery, 1 × only seen by the query's own camera, 1 × distractor or junk query"
    )


def test_nothing_skipped_is_nothing_to_tell() -> None:
    found = Matches(labels([1], [1]), labels([1], [2]))
    assert (found.valid_queries.tolist(), len(found.skipped), str(found.skipped)) == ([0], 0, "")


def test_the_query_image_itself_is_left_out_even_where_no_camera_is_known() -> None:
    pairs = Matches(labels([1], [-1], [7]), labels([1, 1], [-1, -1], [7, 8])).same_person(np.array([0]))
    assert (pairs.own_image.tolist(), pairs.excluded.tolist()) == ([True, False], [True, False])


def test_an_empty_gallery_or_query_is_no_error() -> None:
    nobody = labels([], [])
    assert Matches(labels([1], [1]), nobody).skipped.not_in_gallery.tolist() == [0]
    assert Matches(nobody, labels([1], [1])).valid_queries.tolist() == []
