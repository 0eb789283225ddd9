from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from reseen.synthetic.bag import bag_shapes
from reseen.synthetic.person import Person
from reseen.synthetic.shapes import Shape, View

PersonMaker = Callable[..., Person]
KINDS = ("backpack", "messenger", "handbag", "trolley")


def shapes(person: Person) -> list[Shape]:
    return list(bag_shapes(person, (person.bag_side * 0.13, 0.5, 0.02)))


def area(person: Person, yaw: float) -> int:
    """Pixels that the bag alone covers, at 200 pixels to a body height."""
    picture = Image.new("1", (400, 300))
    for shape in shapes(person):
        outline = shape.outline(View(yaw, 0.0, 200.0, (200.0, 250.0)))
        if outline:
            ImageDraw.Draw(picture).polygon(outline, fill=1)
    return int(np.asarray(picture).sum())


def middle_column(person: Person) -> float:
    """Mean column of the largest shape, seen from the front, relative to the body's axis."""
    outlines = [shape.outline(View(0.0, 0.0, 200.0, (0.0, 0.0))) for shape in shapes(person)]
    columns = [x for outline in outlines for x, _ in outline]
    return (max(columns) + min(columns)) / 2


def test_who_has_no_bag_has_no_shapes(make_person: PersonMaker) -> None:
    assert shapes(make_person(bag_kind="none")) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_bag_is_made_of_its_own_colour(make_person: PersonMaker, kind: str) -> None:
    person = make_person(bag_kind=kind)
    assert any(shape.cloth == person.bag for shape in shapes(person))


@pytest.mark.parametrize("kind", ["handbag", "trolley"])
def test_a_bag_hangs_on_its_side(make_person: PersonMaker, kind: str) -> None:
    left, right = (middle_column(make_person(bag_kind=kind, bag_side=side)) for side in (1, -1))
    assert left > 15
    assert right == pytest.approx(-left)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("yaw", [0.0, 0.8, math.pi / 2, 2.5, math.pi, 4.0])
def test_a_bag_can_be_seen_from_every_side(make_person: PersonMaker, kind: str, yaw: float) -> None:
    assert area(make_person(bag_kind=kind), yaw) > 300


def test_a_backpack_is_behind_from_the_front_and_in_front_from_behind(make_person: PersonMaker) -> None:
    pack = shapes(make_person(bag_kind="backpack"))[0]
    assert pack.depth(View(0.0, 0.0, 1.0, (0.0, 0.0))) < -0.1
    assert pack.depth(View(math.pi, 0.0, 1.0, (0.0, 0.0))) > 0.1


def test_the_strap_of_a_messenger_bag_is_seen_from_both_sides(make_person: PersonMaker) -> None:
    for side in (-1, 1):
        straps = shapes(make_person(bag_kind="messenger", bag_side=side))[1:]
        for yaw in (0.0, math.pi):
            assert sum(bool(strap.outline(View(yaw, 0.0, 100.0, (0.0, 0.0)))) for strap in straps) == 1
