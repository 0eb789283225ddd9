from __future__ import annotations

from pathlib import Path

import numpy as np

from reseen.datasets.codes import Codes
from reseen.datasets.manifest import DISTRACTOR_NAME, JUNK_NAME, Sample
from reseen.scores.labels import DISTRACTOR, JUNK, UNKNOWN_CAMERA


def test_persons_count_from_1_in_sorted_order_and_distractors_and_junk_keep_their_codes() -> None:
    samples = [Sample(Path(f"{person}.jpg"), person) for person in ("b", JUNK_NAME, DISTRACTOR_NAME, "a")]
    codes = Codes.of(samples)

    assert codes.persons == ("a", "b")
    np.testing.assert_array_equal(codes.labels("all", samples).persons, [2, JUNK, DISTRACTOR, 1])


def test_unknown_cameras_are_marked() -> None:
    samples = [Sample(Path("a.jpg"), "p", camera=camera) for camera in ("c2", None, "c1")]
    codes = Codes.of(samples)

    assert codes.cameras == ("c1", "c2")
    np.testing.assert_array_equal(codes.labels("all", samples).cameras, [1, UNKNOWN_CAMERA, 0])


def test_a_file_is_one_image_however_often_it_is_listed() -> None:
    samples = [Sample(Path(path), "p") for path in ("b.jpg", "a.jpg", "b.jpg")]
    codes = Codes.of(samples)

    assert codes.paths == (Path("b.jpg"), Path("a.jpg"))
    np.testing.assert_array_equal(codes.labels("some", samples[1:]).images, [1, 0])
