"""From a `Person` and a moment of walking to the shapes of the body, the clothes and the bag."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reseen.datasets.synthetic.person import Cloth, Person
from reseen.datasets.synthetic.shapes import Capsule, Patch, Point, Ring, Shape, Solid

SHOULDER, CHEST, WAIST, HEAD, HEAD_RADIUS = 0.825, 0.73, 0.60, 0.925, 0.062
ANKLE = 0.035
_LEGS, _HIPS = -2, -1  # layers: whatever hangs over the legs is painted after them


@dataclass(frozen=True, slots=True)
class Pose:
    """A moment of walking: where in the step (radians), and how far the legs swing (radians)."""

    phase: float
    swing: float


def body_shapes(person: Person, pose: Pose) -> list[Shape]:
    """Everything there is to paint of a person, in no particular order."""
    shapes: list[Shape] = []
    for side in (-1, 1):
        swing = pose.swing * math.sin(pose.phase) * side
        shapes += _leg(person, side, swing, lift=max(0.0, math.cos(pose.phase) * side))
        hand = _hand_swing(person, side, -0.8 * swing)
        shapes += _arm(person, side, hand)
    shapes += _torso(person)
    shapes += _head(person)
    shapes += _bag(person, pose)
    return shapes


def _reach(start: Point, length: float, angle: float) -> Point:
    """The far end of a limb that hangs from `start`, swung forward by `angle`."""
    return start[0], start[1] - length * math.cos(angle), start[2] + length * math.sin(angle)


def _between(start: Point, end: Point, share: float) -> Point:
    x, y, z = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return x, y, z


def _leg(person: Person, side: int, swing: float, lift: float) -> Iterator[Shape]:
    hip = (side * 0.048 * person.bulk, person.legs, 0.0)
    half = (person.legs - ANKLE) / 2
    knee = _reach(hip, half, swing + 0.25 * lift)
    ankle = _reach(knee, half, swing - 0.55 * lift)
    toe = (ankle[0] * 1.25, ankle[1] - 0.012, ankle[2] + 0.075)
    thick = 0.5 + 0.5 * person.bulk
    loose = 1.15 if person.bottom_kind == "trousers" else 1.0
    thigh_cloth = person.skin if person.bottom_kind == "skirt" else person.bottom
    calf_cloth = person.bottom if person.bottom_kind == "trousers" else person.skin
    yield Capsule(ankle, 0.026, toe, 0.022, person.shoes, nearer=-0.01, layer=_LEGS)
    yield Capsule(knee, 0.038 * thick * loose, ankle, 0.026 * thick * loose, calf_cloth, layer=_LEGS)
    yield Capsule(hip, 0.062 * thick, knee, 0.043 * thick * loose, thigh_cloth, nearer=0.01, layer=_LEGS)
    if person.bottom_kind == "shorts":
        cuff = _between(knee, ankle, 0.1)
        yield Capsule(hip, 0.066 * thick, cuff, 0.053 * thick, person.bottom, nearer=0.02, layer=_LEGS)


def _shoulder(person: Person, side: int) -> Point:
    return side * 0.112 * person.shoulders * (0.7 + 0.3 * person.bulk), SHOULDER - 0.02, 0.0


def _hand_swing(person: Person, side: int, swing: float) -> tuple[Point, Point, Point]:
    """Shoulder, elbow and wrist. The arm that holds a handle hangs still."""
    shoulder = _shoulder(person, side)
    if side == person.bag_side and person.bag_kind in ("handbag", "trolley"):
        swing = -0.25 if person.bag_kind == "trolley" else 0.05
    elbow = _reach(shoulder, 0.165, swing)
    wrist = _reach(elbow, 0.15, swing + 0.3)
    spread = side * 0.02 * person.bulk
    return shoulder, (elbow[0] + spread, *elbow[1:]), (wrist[0] + spread, *wrist[1:])


def _arm(person: Person, side: int, joints: tuple[Point, Point, Point]) -> Iterator[Shape]:
    shoulder, elbow, wrist = joints
    thick = 0.5 + 0.5 * person.bulk
    bare = person.top_kind in ("tank", "tee")
    upper = person.skin if person.top_kind == "tank" else person.top
    puff = 1.0 if bare else 1.15
    yield Capsule(wrist, 0.022, _reach(wrist, 0.025, 0.2), 0.02, person.skin, nearer=-0.001)
    yield Capsule(elbow, 0.03 * thick * puff, wrist, 0.022 * thick * puff, person.skin if bare else person.top)
    if person.top_kind == "tee":
        yield Capsule(shoulder, 0.036 * thick, elbow, 0.029 * thick, person.skin, nearer=0.001)
        elbow = _between(shoulder, elbow, 0.62)
        thick *= 1.15
    yield Capsule(shoulder, 0.04 * thick * puff, elbow, 0.033 * thick * puff, upper, nearer=0.002)


def _torso(person: Person) -> Iterator[Shape]:
    wide = person.shoulders * (0.7 + 0.3 * person.bulk)
    hem = {"coat": person.legs - 0.2, "jacket": person.legs - 0.03, "hoodie": person.legs - 0.03}
    low = hem.get(person.top_kind, person.legs)
    rings = [
        Ring((0.0, 0.865, 0.0), 0.03, 0.03),
        Ring((0.0, SHOULDER + 0.018, 0.0), 0.095 * wide, 0.05),
        Ring((0.0, SHOULDER - 0.02, 0.0), 0.128 * wide, 0.062 * person.bulk),
        Ring((0.0, CHEST, 0.0), 0.116 * wide, 0.075 * person.bulk),
        Ring((0.0, WAIST, 0.0), 0.1 * person.bulk, 0.072 * person.bulk),
        Ring((0.0, low, 0.0), 0.112 * person.bulk, 0.08 * person.bulk),
    ]
    yield Solid([Ring((0.0, 0.89, 0.0), 0.028, 0.03), Ring((0.0, 0.84, 0.0), 0.032, 0.032)], person.skin, nearer=-0.005)
    yield Solid(rings, person.top)
    yield from _bottom_cover(person)
    yield from _front(person)
    if person.top_kind == "hoodie":
        hood = Cloth(tuple(int(0.85 * level) for level in person.top.colour))  # type: ignore[arg-type]
        yield Capsule((-0.035, 0.862, -0.035), 0.034, (0.035, 0.862, -0.035), 0.034, hood, nearer=0.002)


def _bottom_cover(person: Person) -> Iterator[Shape]:
    """Hips, or the skirt over them."""
    hips = person.legs
    rings = [Ring((0.0, hips + 0.04, 0.0), 0.1 * person.bulk, 0.072 * person.bulk)]
    if person.bottom_kind == "skirt":
        rings.append(Ring((0.0, hips - 0.22, 0.0), 0.145 * person.bulk, 0.12 * person.bulk))
    else:
        rings.append(Ring((0.0, hips - 0.035, 0.0), 0.108 * person.bulk, 0.08 * person.bulk))
    yield Solid(rings, person.bottom, layer=_HIPS)


def _on_torso(person: Person, across: float, height: float, face: int) -> Point:
    """A point on the front (`face` 1) or the back (-1) of the torso; `across` is a share of its half-width."""
    wide = 0.113 * person.shoulders * (0.7 + 0.3 * person.bulk)
    return across * wide, height, face * 0.078 * person.bulk * math.sqrt(max(0.0, 1 - across**2))


def _panel(person: Person, corners: Sequence[tuple[float, float]], face: int, cloth: Cloth, nearer: float) -> Patch:
    """A patch on the torso from (across, height) corners listed counter-clockwise as seen from the front."""
    # Somebody in front of the person sees the person's left (+x) on the right; from behind the order turns round.
    points = [_on_torso(person, across, height, face) for across, height in corners]
    return Patch(points if face > 0 else points[::-1], cloth, nearer=nearer)


def _front(person: Person) -> Iterator[Shape]:
    hem = person.legs + 0.02
    if person.top_kind in ("jacket", "coat"):
        corners = [(-0.25, 0.85), (-0.3, 0.72), (-0.22, hem), (0.22, hem), (0.3, 0.72), (0.25, 0.85)]
        yield _panel(person, corners, 1, person.inner, 0.003)
    elif person.top_kind == "shirt":
        yield _panel(person, [(-0.3, 0.87), (0.0, 0.79), (0.3, 0.87)], 1, person.inner, 0.003)
    elif person.emblem:
        print_cloth = Cloth(person.top.accent)
        yield _panel(person, [(-0.5, 0.76), (-0.5, 0.68), (0.5, 0.68), (0.5, 0.76)], 1, print_cloth, 0.003)


def _head(person: Person) -> Iterator[Shape]:
    top, crown = HEAD + 0.008, HEAD + 0.03
    yield Capsule((0.0, top, 0.0), HEAD_RADIUS * 0.9, (0.0, HEAD - 0.022, 0.01), HEAD_RADIUS * 0.72, person.skin, 0.02)
    if person.hair_kind != "bald":
        # A shell set back on the head: behind the face from the front, over it from behind.
        shell = HEAD_RADIUS * 0.95
        yield Capsule((0.0, top, -0.024), shell, (0.0, HEAD - 0.012, -0.028), shell * 0.85, person.hair, 0.021)
        yield Capsule((-0.02, crown, 0.0), 0.037, (0.02, crown, 0.0), 0.037, person.hair, 0.03)
    if person.hair_kind == "bob":
        yield Capsule((0.0, HEAD, -0.02), 0.068, (0.0, 0.872, -0.022), 0.06, person.hair, 0.019)
    elif person.hair_kind == "long":
        yield Capsule((0.0, HEAD, -0.022), 0.066, (0.0, 0.76, -0.06), 0.058, person.hair, 0.019)
    elif person.hair_kind == "ponytail":
        yield Capsule((0.0, HEAD + 0.02, -0.07), 0.022, (0.0, 0.82, -0.1), 0.014, person.hair, 0.019)
    if person.hat_kind != "none":
        deep = 0.052 if person.hat_kind == "cap" else 0.06
        yield Capsule((0.0, crown, -0.012), deep, (0.0, crown + 0.008, -0.004), deep, person.hat, 0.04)
    if person.hat_kind == "cap":
        yield Capsule((-0.02, crown - 0.012, 0.07), 0.012, (0.02, crown - 0.012, 0.07), 0.012, person.hat, 0.041)


def _box(centre: Point, across: float, half_height: float, deep: float) -> list[Ring]:
    """Rings of an upright box with rounded top and bottom."""
    x, y, z = centre
    levels = ((half_height, 0.8), (0.8 * half_height, 1.0), (-0.85 * half_height, 1.0), (-half_height, 0.85))
    return [Ring((x, y + up, z), across * share, deep * share) for up, share in levels]


def _bag(person: Person, pose: Pose) -> Iterator[Shape]:
    side = person.bag_side
    pocket = Cloth(tuple(int(0.7 * level) for level in person.bag.colour))  # type: ignore[arg-type]
    if person.bag_kind == "backpack":
        back = -0.078 * person.bulk - 0.055
        yield Solid(_box((0.0, 0.69, back), 0.098, 0.125, 0.055), person.bag, nearer=0.0)
        corners = [
            (-0.07, 0.67, back - 0.055),
            (0.07, 0.67, back - 0.055),
            (0.07, 0.6, back - 0.055),
            (-0.07, 0.6, back - 0.055),
        ]
        yield Patch(corners, pocket, nearer=0.2)
        for strap in (-0.62, 0.62):
            edges = [(strap - 0.11, 0.845), (strap - 0.11, 0.64), (strap + 0.11, 0.64), (strap + 0.11, 0.845)]
            yield _panel(person, edges, 1, person.bag, 0.004)
    elif person.bag_kind == "messenger":
        yield Solid(_box((side * 0.125 * person.bulk, 0.47, 0.0), 0.035, 0.075, 0.095), person.bag, nearer=0.03)
        top, low = -0.55 * side, 0.9 * side
        for face in (-1, 1):
            edges = [(top, 0.85), (low, 0.56), (low, 0.53), (top - 0.2 * side, 0.845)]
            yield _panel(person, edges if side < 0 else edges[::-1], face, person.bag, 0.004)
    elif person.bag_kind == "handbag":
        _, _, wrist = _hand_swing(person, side, 0.0)
        yield Solid(_box((wrist[0] + 0.01 * side, 0.39, wrist[2]), 0.035, 0.075, 0.085), person.bag, nearer=0.02)
        yield Capsule((wrist[0], wrist[1], wrist[2]), 0.008, (wrist[0], 0.45, wrist[2]), 0.012, person.bag, 0.01)
    elif person.bag_kind == "trolley":
        _, _, wrist = _hand_swing(person, side, 0.0)
        box = (side * 0.19, 0.16, wrist[2] - 0.14)
        yield Solid(_box(box, 0.085, 0.13, 0.06), person.bag, nearer=0.0)
        yield Capsule((box[0], 0.27, box[2]), 0.007, wrist, 0.007, pocket, nearer=-0.005)
