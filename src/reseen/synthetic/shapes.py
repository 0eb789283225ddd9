"""Solid shapes in a person's own space, and what their outline is in a picture.

Space: x to the person's left, y up from the ground, z forward; the unit is the person's height.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reseen.synthetic.person import Cloth

Point = tuple[float, float, float]
Pixel = tuple[float, float]
Outline = list[Pixel]

_HALF_TURN = [math.pi * (step / 6 - 0.5) for step in range(7)]


class View:
    """How a camera sees a person: turned by `yaw` (0 = facing the camera), from above by `pitch` (radians).

    Args:
        yaw: turn of the person about the vertical, radians.
        pitch: how far the camera looks down, radians.
        scale: pixels for one body height.
        foot: pixel on the ground that the person stands on.
    """

    def __init__(self, yaw: float, pitch: float, scale: float, foot: Pixel) -> None:
        self.scale = scale
        self.foot = foot
        self.cos_yaw, self.sin_yaw = math.cos(yaw), math.sin(yaw)
        self.cos_pitch, self.sin_pitch = math.cos(pitch), math.sin(pitch)

    def depth(self, point: Point) -> float:
        """How much nearer to the camera than the body's axis, in body heights."""
        return point[2] * self.cos_yaw - point[0] * self.sin_yaw

    def pixel(self, point: Point) -> Pixel:
        """Where a point falls in the picture (orthographic projection)."""
        across = point[0] * self.cos_yaw + point[2] * self.sin_yaw
        up = point[1] * self.cos_pitch - self.depth(point) * self.sin_pitch
        return self.foot[0] + across * self.scale, self.foot[1] - up * self.scale

    def half_width(self, across: float, deep: float) -> float:
        """Half the visible width, in pixels, of an upright ellipse with these half-axes along x and z."""
        return math.hypot(across * self.cos_yaw, deep * self.sin_yaw) * self.scale


@dataclass(frozen=True, slots=True)
class Capsule:
    """Two balls and everything between them: limbs, heads, shoes.

    Shapes of a lower `layer` are painted before all of a higher one.
    """

    start: Point
    start_radius: float
    end: Point
    end_radius: float
    cloth: Cloth
    nearer: float = 0.0
    layer: int = 0

    def depth(self, view: View) -> float:
        """Depth of the middle, brought `nearer` to settle the order of touching parts."""
        return (view.depth(self.start) + view.depth(self.end)) / 2 + self.nearer

    def outline(self, view: View) -> Outline:
        """Half a circle about each end, joined by straight sides."""
        (x0, y0), (x1, y1) = view.pixel(self.start), view.pixel(self.end)
        r0, r1 = self.start_radius * view.scale, self.end_radius * view.scale
        away = math.atan2(y1 - y0, x1 - x0)
        head = [(x1 + r1 * math.cos(away + a), y1 + r1 * math.sin(away + a)) for a in _HALF_TURN]
        tail = [(x0 - r0 * math.cos(away + a), y0 - r0 * math.sin(away + a)) for a in _HALF_TURN]
        return head + tail


@dataclass(frozen=True, slots=True)
class Ring:
    """A level ellipse: its centre and half-axes along x and z."""

    centre: Point
    across: float
    deep: float


@dataclass(frozen=True, slots=True)
class Solid:
    """A stack of rings, top to bottom: torsos, skirts, bags."""

    rings: Sequence[Ring]
    cloth: Cloth
    nearer: float = 0.0
    layer: int = 0

    def depth(self, view: View) -> float:
        """Depth of the middle ring, brought `nearer` to settle the order of touching parts."""
        return view.depth(self.rings[len(self.rings) // 2].centre) + self.nearer

    def outline(self, view: View) -> Outline:
        """Down the right edge of the rings and up the left."""
        middles = [view.pixel(ring.centre) for ring in self.rings]
        halves = [view.half_width(ring.across, ring.deep) for ring in self.rings]
        right = [(x + half, y) for (x, y), half in zip(middles, halves, strict=True)]
        left = [(x - half, y) for (x, y), half in zip(middles, halves, strict=True)]
        return right + left[::-1]


@dataclass(frozen=True, slots=True)
class Patch:
    """A flat piece on a surface, seen only from outside: prints, straps, the front of an open jacket.

    Its corners run counter-clockwise for somebody who looks at it from outside.
    """

    corners: Sequence[Point]
    cloth: Cloth
    nearer: float = 0.0
    layer: int = 0

    def depth(self, view: View) -> float:
        """The depth it was given: a patch lies on another shape and comes right after it."""
        return self.nearer

    def outline(self, view: View) -> Outline:
        """Its corners, or nothing when it faces away."""
        pixels = [view.pixel(corner) for corner in self.corners]
        pairs = zip(pixels, pixels[1:] + pixels[:1], strict=True)
        turned = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)
        return pixels if turned < 0 else []  # pixels count downwards, so counter-clockwise is negative


Shape = Capsule | Solid | Patch
"""Something to paint: its layer, its depth within the layer, its outline (empty when unseen) and its cloth."""
