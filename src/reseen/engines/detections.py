"""Boxes of a frame, as detectors give them, cut into crops."""

from __future__ import annotations

from typing import Any

import numpy as np

from reseen.errors import ImageError, UsageError
from reseen.images.source import ImageSource
from reseen.shapes import UInt8

BOXES_TOLD = 10


def crops(frame: UInt8[np.ndarray, "h w 3"], detections: Any) -> list[ImageSource]:
    """One crop a box, clipped to the frame and named `box 3` for the fourth.

    Args:
        frame: RGB pixels.
        detections: `supervision.Detections`, or what else has `xyxy`; or an array (n, 4) of left, top, right, bottom in
            pixels.

    Raises:
        UsageError: it is no such array.
        ImageError: boxes that hold no pixel of the frame, or are not finite; it names them.
    """
    corners = _corners(getattr(detections, "xyxy", detections))
    height, width = frame.shape[:2]
    finite = np.isfinite(corners).all(axis=1)
    clipped = np.clip(np.where(finite[:, None], corners, 0).round(), 0, [width, height, width, height])
    left, top, right, bottom = clipped.astype(np.int64).T
    _require_pixels(corners, finite & (right > left) & (bottom > top), width, height)
    boxes = zip(left, top, right, bottom, strict=True)
    return [ImageSource(f"box {n}", frame[y0:y1, x0:x1]) for n, (x0, y0, x1, y1) in enumerate(boxes)]


def _corners(given: object) -> np.ndarray:
    boxes = np.asarray(given, dtype=object if isinstance(given, str) else None)
    if boxes.size == 0:
        return np.empty((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.dtype.kind not in "iuf":
        raise UsageError(
            "the boxes cannot be cut",
            expected="supervision.Detections, or an array (n, 4) of left, top, right, bottom",
            got=f"{type(given).__name__} {boxes.shape} of {boxes.dtype}",
            cure="give one row a box, in pixels of the frame",
        )
    return boxes.astype(np.float64)


def _require_pixels(corners: np.ndarray, usable: np.ndarray, width: int, height: int) -> None:
    wrong = np.flatnonzero(~usable)
    if not wrong.size:
        return
    told = [f"box {n} ({', '.join(f'{value:g}' for value in corners[n])})" for n in wrong[:BOXES_TOLD]]
    raise ImageError(
        f"{len(wrong)} of {len(corners)} boxes hold no pixel of the frame",
        expected=f"left < right and top < bottom within {width}×{height} pixels",
        got=", ".join(told) + (", …" if len(wrong) > BOXES_TOLD else ""),
        cure="leave these boxes out",
    )
