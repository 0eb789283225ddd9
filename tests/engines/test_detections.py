from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.engines.detections import crops
from reseen.errors import ImageError, UsageError

FRAME = np.arange(40 * 30 * 3, dtype=np.uint32).astype(np.uint8).reshape(40, 30, 3)


@dataclass
class Detections:
    """What of `supervision.Detections` is looked at."""

    xyxy: np.ndarray


def test_each_box_is_a_crop_clipped_to_the_frame() -> None:
    boxes = np.array([[2, 3, 12, 33], [-5.4, -9, 4.6, 8], [20, 30, 99, 99]], dtype=np.float32)

    for given_as in (Detections(boxes), boxes, boxes.tolist()):
        found = crops(FRAME, given_as)
        assert [each.name for each in found] == ["box 0", "box 1", "box 2"]
        for crop, (x0, y0, x1, y1) in zip(found, [(2, 3, 12, 33), (0, 0, 5, 8), (20, 30, 30, 40)], strict=True):
            np.testing.assert_array_equal(crop.decode(), FRAME[y0:y1, x0:x1])


@given(st.lists(st.tuples(*[st.floats(-50, 90)] * 4), max_size=8))
def test_boxes_are_cut_or_named(boxes: list[tuple[float, float, float, float]]) -> None:
    try:
        found = crops(FRAME, boxes)
    except ImageError as error:
        kept = [box for number, box in enumerate(boxes) if f"box {number} " not in (error.got or "")]
        assert len(kept) < len(boxes)
        found = crops(FRAME, kept)
        boxes = kept
    assert len(found) == len(boxes)
    for crop in found:
        height, width, _ = np.asarray(crop.decode()).shape
        assert 1 <= height <= 40
        assert 1 <= width <= 30


def test_boxes_without_a_pixel_of_the_frame_are_named() -> None:
    boxes = [[1, 1, 9, 9], [31, 0, 35, 9], [5, 5, 5, 9], [9, 1, 3, 9], [np.nan, 0, 9, 9], [0, 0, np.inf, 9]]

    with pytest.raises(ImageError, match="5 of 6 boxes hold no pixel") as error:
        crops(FRAME, boxes)
    assert error.value.got is not None
    assert error.value.got.startswith("box 1 (31, 0, 35, 9), box 2 (5, 5, 5, 9), box 3 (9, 1, 3, 9), box 4 (nan")


def test_no_boxes_are_no_crops() -> None:
    assert crops(FRAME, np.empty((0, 4))) == []
    assert crops(FRAME, []) == []


@pytest.mark.parametrize("boxes", [[1, 2, 3, 4], [[1, 2, 3]], "boxes", [["a", "b", "c", "d"]], [[[1, 2, 3, 4]]]])
def test_what_is_no_boxes_is_refused(boxes: object) -> None:
    with pytest.raises(UsageError, match="the boxes cannot be cut"):
        crops(FRAME, boxes)
