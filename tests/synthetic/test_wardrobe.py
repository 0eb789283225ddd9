from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reseen.synthetic.person import Cloth, Person
from reseen.synthetic.wardrobe import COLOURS, OUTFITS, dress_apart

PersonMaker = Callable[..., Person]


def test_as_many_people_as_there_are_outfits_wear_two_colours_that_nobody_else_wears(make_person: PersonMaker) -> None:
    dressed = [dress_apart(make_person(), number) for number in range(OUTFITS)]

    worn = {(person.top.colour, person.bottom.colour) for person in dressed}
    assert len(worn) == OUTFITS
    assert all(top != bottom for top, bottom in worn)
    assert {colour for outfit in worn for colour in outfit} == set(COLOURS)
    assert dress_apart(make_person(), OUTFITS) == dressed[0]


def test_everything_else_stays_and_jackets_are_closed(make_person: PersonMaker) -> None:
    person = make_person(top_kind="jacket", top=Cloth((1, 2, 3), (4, 5, 6), "stripes"), bottom_kind="skirt")

    dressed = dress_apart(person, 3)

    assert dressed.inner == dressed.top
    assert (dressed.top.accent, dressed.top.pattern) == ((4, 5, 6), "stripes")
    assert replace(dressed, top=person.top, inner=person.inner, bottom=person.bottom) == person
