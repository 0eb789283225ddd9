"""The shapes of what a person carries."""

from __future__ import annotations

from collections.abc import Iterator

from reseen.synthetic.chance import darker
from reseen.synthetic.person import Cloth, Person
from reseen.synthetic.shapes import Capsule, Patch, Point, Ring, Shape, Solid
from reseen.synthetic.skeleton import torso_patch


def bag_shapes(person: Person, wrist: Point) -> Iterator[Shape]:
    """The bag of a person, if there is one; `wrist` is the wrist on the bag's side."""
    if person.bag_kind == "backpack":
        yield from _backpack(person)
    elif person.bag_kind == "messenger":
        yield from _messenger(person)
    elif person.bag_kind == "handbag":
        x, y, z = wrist
        yield _box((x + 0.01 * person.bag_side, 0.39, z), (0.035, 0.075, 0.085), person.bag, nearer=0.02)
        yield Capsule((x, y, z), 0.008, (x, 0.45, z), 0.012, person.bag, nearer=0.01)
    elif person.bag_kind == "trolley":
        x, z = person.bag_side * 0.19, wrist[2] - 0.14
        yield _box((x, 0.16, z), (0.085, 0.13, 0.06), person.bag)
        yield Capsule((x, 0.27, z), 0.007, wrist, 0.007, Cloth(darker(person.bag.colour, 0.7)), nearer=-0.005)


def _box(centre: Point, half: tuple[float, float, float], cloth: Cloth, nearer: float = 0.0) -> Solid:
    """An upright box with rounded top and bottom; `half` of its extents along x, y and z."""
    x, y, z = centre
    levels = ((1.0, 0.8), (0.8, 1.0), (-0.85, 1.0), (-1.0, 0.85))
    return Solid([Ring((x, y + up * half[1], z), half[0] * w, half[2] * w) for up, w in levels], cloth, nearer=nearer)


def _backpack(person: Person) -> Iterator[Shape]:
    middle = -0.078 * person.bulk - 0.055
    back = middle - 0.055
    yield _box((0.0, 0.69, middle), (0.098, 0.125, 0.055), person.bag)
    pocket = [(-0.07, 0.67, back), (0.07, 0.67, back), (0.07, 0.6, back), (-0.07, 0.6, back)]
    yield Patch(pocket, Cloth(darker(person.bag.colour, 0.7)), nearer=0.2)
    for strap in (-0.62, 0.62):
        inner, outer = strap - 0.11, strap + 0.11
        corners = [(inner, 0.845), (inner, 0.64), (outer, 0.64), (outer, 0.845)]
        yield torso_patch(person, corners, person.bag, nearer=0.004)


def _messenger(person: Person) -> Iterator[Shape]:
    side = person.bag_side
    yield _box((side * 0.125 * person.bulk, 0.47, 0.0), (0.035, 0.075, 0.095), person.bag, nearer=0.03)
    strap = [(-0.55 * side, 0.85), (0.9 * side, 0.56), (0.9 * side, 0.53), (-0.75 * side, 0.845)]
    for back in (False, True):
        yield torso_patch(person, strap[::-side], person.bag, back=back, nearer=0.004)
