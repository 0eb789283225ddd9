"""Where the joints of a walking person are, and the surface of the torso."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reseen.synthetic.person import Cloth, Person
from reseen.synthetic.shapes import Patch, Point

SHOULDER, ANKLE = 0.825, 0.035
"""Heights above the ground, in body heights."""

_UPPER_ARM, _FOREARM = 0.165, 0.15


@dataclass(frozen=True, slots=True)
class Pose:
    """A moment of walking: where in the step (radians), and how far the legs swing (radians)."""

    phase: float
    swing: float


@dataclass(frozen=True, slots=True)
class Limbs:
    """The joints of one side of the body."""

    hip: Point
    knee: Point
    ankle: Point
    shoulder: Point
    elbow: Point
    wrist: Point


def place_limbs(person: Person, pose: Pose, side: int) -> Limbs:
    """The joints of the person's right (`side` -1) or left (1).

    Legs swing against each other and the arms against the legs; the leg that comes forward bends its knee, and the
    arm that holds a handle hangs still.
    """
    swing = pose.swing * math.sin(pose.phase) * side
    lift = max(0.0, math.cos(pose.phase) * side)
    hip = (side * 0.048 * person.bulk, person.legs, 0.0)
    half_leg = (person.legs - ANKLE) / 2
    knee = reach(hip, half_leg, swing + 0.25 * lift)
    ankle = reach(knee, half_leg, swing - 0.55 * lift)

    held = person.bag_kind in ("handbag", "trolley") and side == person.bag_side
    arm_swing = (-0.25 if person.bag_kind == "trolley" else 0.05) if held else -0.8 * swing
    shoulder = (side * 0.112 * person.breadth, SHOULDER - 0.03, 0.0)
    spread = side * 0.02 * person.bulk
    elbow = reach(shoulder, _UPPER_ARM, arm_swing, spread)
    wrist = reach(elbow, _FOREARM, arm_swing + 0.3)
    return Limbs(hip, knee, ankle, shoulder, elbow, wrist)


def reach(start: Point, length: float, angle: float, spread: float = 0.0) -> Point:
    """The far end of a limb that hangs from `start`, swung forward by `angle` radians and sideways by `spread`."""
    return start[0] + spread, start[1] - length * math.cos(angle), start[2] + length * math.sin(angle)


def torso_patch(
    person: Person, corners: Sequence[tuple[float, float]], cloth: Cloth, *, back: bool = False, nearer: float = 0.0
) -> Patch:
    """A patch on the front or the back of the torso.

    Args:
        person: whose torso.
        corners: (across, height) pairs, counter-clockwise as seen from the front; `across` is a share of the torso's
            half-width, positive on the person's left.
        cloth: its material.
        back: whether it lies on the back.
        nearer: its place in the order of painting.
    """
    half_width, depth = 0.113 * person.breadth, 0.072 * person.bulk * (-1 if back else 1)
    points = [
        # The chest falls back towards the neck, and round to the sides.
        (across * half_width, height, depth * min(1.0, (0.93 - height) / 0.17) * math.sqrt(1 - across**2))
        for across, height in corners
    ]
    return Patch(points[::-1] if back else points, cloth, nearer=nearer)
