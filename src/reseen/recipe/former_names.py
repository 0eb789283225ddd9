"""What settings were called in earlier versions: recipes and runs of then are read as if they were written today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEYS = {("data", "hold_out"): "evaluation_share"}
"""Where a setting was, and what it is called there now."""
VALUES = {("training", "best_on", "held_out"): "calibration_people"}
"""Where a value was, which it was, and what it is called now."""


def renew(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by today's names; of a setting that is there by both names, the former is taken.

    Args:
        tree: a recipe, or a part of one, as nested mappings.
    """
    renewed = {key: dict(part) if isinstance(part, Mapping) else part for key, part in tree.items()}
    for (part, key), name in KEYS.items():
        below = renewed.get(part)
        if isinstance(below, dict) and key in below:
            below[name] = below.pop(key)
    for (part, key, value), name in VALUES.items():
        below = renewed.get(part)
        if isinstance(below, dict) and below.get(key) == value:
            below[key] = name
    return renewed
