"""rank-1 from camera to camera, as a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from reseen.evaluation.camera_pairs import CameraPair


def camera_matrix(pairs: Sequence[CameraPair]) -> dict[str, Any] | None:
    """Rows of query cameras, columns of gallery cameras, each in the order of their numbers; None without pairs."""
    if not pairs:
        return None
    found = {(pair.query_camera, pair.gallery_camera): pair for pair in pairs}
    rows = _in_order(pair.query_camera for pair in pairs)
    columns = _in_order(pair.gallery_camera for pair in pairs)
    return {
        "cameras": columns,
        "rows": [{"camera": row, "cells": [_cell(found.get((row, column))) for column in columns]} for row in rows],
    }


def _in_order(names: Iterable[str]) -> list[str]:
    """Once each, c2 before c10."""
    return sorted(set(names), key=lambda name: [(len(part), part) for part in re.split(r"(\d+)", name)])


def _cell(pair: CameraPair | None) -> dict[str, str]:
    if pair is None:
        return {"text": "", "title": "no query with a match", "colour": "transparent"}
    return {
        "text": f"{pair.recall1 * 100:.0f}",
        "title": f"rank-1 {pair.recall1:.1%}, mAP {pair.mAP:.1%}, {pair.queries} queries",
        "colour": f"rgb(11 110 110 / {pair.recall1 * 0.55:.2f})",
    }
