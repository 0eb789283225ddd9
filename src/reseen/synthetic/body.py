"""From a `Person` and a moment of walking to the shapes of the body and its clothes."""

from __future__ import annotations

from collections.abc import Iterator

from reseen.synthetic.bag import bag_shapes
from reseen.synthetic.chance import darker
from reseen.synthetic.person import Cloth, Person
from reseen.synthetic.shapes import Capsule, Point, Ring, Shape, Solid
from reseen.synthetic.skeleton import SHOULDER, Limbs, Pose, place_limbs, reach, torso_patch

_LEGS, _HIPS = -2, -1  # layers: whatever hangs over the legs is painted after them
_HEAD, _HEAD_RADIUS = 0.925, 0.062


def body_shapes(person: Person, pose: Pose) -> list[Shape]:
    """Everything there is to paint of a person, in no particular order."""
    shapes: list[Shape] = [*_hips(person), *_torso(person), *_front(person), *_head(person)]
    for side in (-1, 1):
        limbs = place_limbs(person, pose, side)
        shapes += [*_leg(person, limbs), *_arm(person, limbs)]
        if side == person.bag_side:
            shapes += bag_shapes(person, limbs.wrist)
    return shapes


def _between(start: Point, end: Point, share: float) -> Point:
    x, y, z = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return x, y, z


def _leg(person: Person, limbs: Limbs) -> Iterator[Shape]:
    hip, knee, ankle = limbs.hip, limbs.knee, limbs.ankle
    toe = (ankle[0] * 1.25, ankle[1] - 0.012, ankle[2] + 0.075)
    girth = person.girth
    loose = girth * (1.15 if person.bottom_kind == "trousers" else 1.0)
    thigh = person.skin if person.bottom_kind == "skirt" else person.bottom
    calf = person.bottom if person.bottom_kind == "trousers" else person.skin
    yield Capsule(ankle, 0.026, toe, 0.022, person.shoes, nearer=-0.01, layer=_LEGS)
    yield Capsule(knee, 0.038 * loose, ankle, 0.026 * loose, calf, layer=_LEGS)
    yield Capsule(hip, 0.062 * girth, knee, 0.043 * loose, thigh, nearer=0.01, layer=_LEGS)
    if person.bottom_kind == "shorts":
        hem = _between(knee, ankle, 0.1)
        yield Capsule(hip, 0.066 * girth, hem, 0.053 * girth, person.bottom, nearer=0.02, layer=_LEGS)


def _arm(person: Person, limbs: Limbs) -> Iterator[Shape]:
    shoulder, elbow, wrist = limbs.shoulder, limbs.elbow, limbs.wrist
    bare = person.top_kind in ("tank", "tee")
    girth = person.girth * (1.0 if bare else 1.15)
    upper = person.skin if bare else person.top
    yield Capsule(wrist, 0.022, reach(wrist, 0.025, 0.2), 0.02, person.skin, nearer=-0.001)
    yield Capsule(elbow, 0.03 * girth, wrist, 0.022 * girth, upper)
    yield Capsule(shoulder, 0.037 * girth, elbow, 0.031 * girth, upper, nearer=0.001)
    if person.top_kind == "tee":
        hem = _between(shoulder, elbow, 0.62)
        yield Capsule(shoulder, 0.046 * girth, hem, 0.038 * girth, person.top, nearer=0.002)


def _torso(person: Person) -> Iterator[Shape]:
    below_hips = {"coat": 0.2, "jacket": 0.03, "hoodie": 0.03}.get(person.top_kind, 0.0)
    rings = [
        Ring((0.0, 0.868, 0.0), 0.032, 0.034),
        Ring((0.0, SHOULDER + 0.022, 0.0), 0.072 * person.breadth, 0.045),
        Ring((0.0, SHOULDER, 0.0), 0.112 * person.breadth, 0.056 * person.bulk),
        Ring((0.0, SHOULDER - 0.04, 0.0), 0.127 * person.breadth, 0.066 * person.bulk),
        Ring((0.0, 0.73, 0.0), 0.116 * person.breadth, 0.075 * person.bulk),
        Ring((0.0, 0.6, 0.0), 0.1 * person.bulk, 0.072 * person.bulk),
        Ring((0.0, person.legs - below_hips, 0.0), 0.112 * person.bulk, 0.08 * person.bulk),
    ]
    neck = [Ring((0.0, 0.89, 0.0), 0.028, 0.03), Ring((0.0, 0.84, 0.0), 0.032, 0.032)]
    yield Solid(neck, person.skin, nearer=-0.005)
    yield Solid(rings, person.top)
    if person.top_kind == "hoodie":
        hood = darker(person.top.colour, 0.85)
        yield Capsule((-0.035, 0.862, -0.035), 0.034, (0.035, 0.862, -0.035), 0.034, Cloth(hood), nearer=0.002)


def _front(person: Person) -> Iterator[Shape]:
    """What is seen only from the front: an open jacket, a collar, a print."""
    hem = person.legs + 0.02
    if person.top_kind in ("jacket", "coat"):
        opening = [(-0.26, 0.86), (-0.38, 0.72), (-0.3, hem), (0.3, hem), (0.38, 0.72), (0.26, 0.86)]
        yield torso_patch(person, opening, person.inner, nearer=0.003)
    elif person.top_kind == "shirt":
        yield torso_patch(person, [(-0.3, 0.87), (0.0, 0.79), (0.3, 0.87)], person.inner, nearer=0.003)
    elif person.emblem:
        emblem = [(-0.5, 0.76), (-0.5, 0.68), (0.5, 0.68), (0.5, 0.76)]
        yield torso_patch(person, emblem, Cloth(person.top.accent), nearer=0.003)


def _hips(person: Person) -> Iterator[Shape]:
    skirt = person.bottom_kind == "skirt"
    low, across, deep = (0.22, 0.145, 0.12) if skirt else (0.035, 0.108, 0.08)
    rings = [
        Ring((0.0, person.legs + 0.04, 0.0), 0.1 * person.bulk, 0.072 * person.bulk),
        Ring((0.0, person.legs - low, 0.0), across * person.bulk, deep * person.bulk),
    ]
    yield Solid(rings, person.bottom, layer=_HIPS)


def _head(person: Person) -> Iterator[Shape]:
    top, crown, radius = _HEAD + 0.008, _HEAD + 0.03, _HEAD_RADIUS
    yield Capsule((0.0, top, 0.0), 0.9 * radius, (0.0, _HEAD - 0.022, 0.01), 0.72 * radius, person.skin, nearer=0.02)
    if person.hair_kind != "bald":
        # A shell set back on the head: behind the face from the front, over it from behind.
        shell = (0.0, top + 0.004, -0.024), (0.0, _HEAD - 0.012, -0.03)
        yield Capsule(shell[0], 0.95 * radius, shell[1], 0.76 * radius, person.hair, nearer=0.021)
        yield Capsule((-0.018, crown + 0.012, 0.0), 0.034, (0.018, crown + 0.012, 0.0), 0.034, person.hair, nearer=0.03)
    if person.hair_kind == "bob":
        yield Capsule((0.0, _HEAD, -0.02), 0.068, (0.0, 0.872, -0.022), 0.06, person.hair, nearer=0.019)
    elif person.hair_kind == "long":
        yield Capsule((0.0, _HEAD, -0.022), 0.066, (0.0, 0.76, -0.06), 0.058, person.hair, nearer=0.019)
    elif person.hair_kind == "ponytail":
        yield Capsule((0.0, _HEAD + 0.02, -0.07), 0.022, (0.0, 0.82, -0.1), 0.014, person.hair, nearer=0.019)
    if person.hat_kind != "none":
        dome = 0.052 if person.hat_kind == "cap" else 0.06
        yield Capsule((0.0, crown, -0.012), dome, (0.0, crown + 0.008, -0.004), dome, person.hat, nearer=0.04)
    if person.hat_kind == "cap":
        brim = crown - 0.012
        yield Capsule((-0.02, brim, 0.07), 0.012, (0.02, brim, 0.07), 0.012, person.hat, nearer=0.041)
