from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from reseen.synthetic.person import Person, draw_person


@pytest.fixture(scope="module")
def crowd() -> list[Person]:
    return [draw_person(np.random.default_rng(seed)) for seed in range(300)]


def test_the_same_chance_draws_the_same_person() -> None:
    assert draw_person(np.random.default_rng(7)) == draw_person(np.random.default_rng(7))


def test_nobody_in_a_crowd_is_dressed_exactly_like_another(crowd: list[Person]) -> None:
    outfits = [(p.top, p.top_kind, p.bottom, p.bottom_kind, p.hair, p.hair_kind, p.bag, p.bag_kind, p.shoes, p.skin)
               for p in crowd]  # fmt: skip
    assert len(set(outfits)) >= 299


def test_colours_of_top_and_bottom_do_not_tell_people_apart(crowd: list[Person]) -> None:
    pairs = Counter((p.top.colour, p.bottom.colour) for p in crowd)
    assert len(pairs) <= 18
    assert min(pairs[p.top.colour, p.bottom.colour] for p in crowd) >= 2


def test_a_pattern_is_always_visible(crowd: list[Person]) -> None:
    assert all(p.top.accent != p.top.colour for p in crowd)


def test_breadth_and_girth_grow_with_bulk(crowd: list[Person]) -> None:
    thin, stout = min(crowd, key=lambda p: p.bulk), max(crowd, key=lambda p: p.bulk)
    assert thin.girth < 1.0 < stout.girth
    assert thin.breadth / thin.shoulders < 1.0 < stout.breadth / stout.shoulders
