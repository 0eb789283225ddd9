from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.synthetic.chance import Colour, darker, jitter, pick

colours = st.tuples(*[st.integers(0, 255)] * 3)


def test_pick_follows_the_odds(rng: np.random.Generator) -> None:
    picked = [pick(rng, "abc", (1.0, 2.0, 5.0)) for _ in range(8000)]
    assert [picked.count(letter) for letter in "abc"] == pytest.approx([1000, 2000, 5000], rel=0.1)


def test_pick_without_odds_is_even(rng: np.random.Generator) -> None:
    picked = [pick(rng, "abcd") for _ in range(8000)]
    assert [picked.count(letter) for letter in "abcd"] == pytest.approx([2000] * 4, rel=0.1)


def test_pick_never_takes_what_has_no_odds(rng: np.random.Generator) -> None:
    assert {pick(rng, "abc", (0.5, 0.0, 0.5)) for _ in range(500)} == {"a", "c"}


@given(colour=colours, spread=st.integers(0, 60), seed=st.integers(0, 1000))
def test_jitter_stays_close_and_in_range(colour: Colour, spread: int, seed: int) -> None:
    near = jitter(colour, np.random.default_rng(seed), spread)
    assert all(abs(a - b) <= spread for a, b in zip(near, colour, strict=True))
    assert all(0 <= level <= 255 for level in near)


def test_darker_scales_every_channel() -> None:
    assert darker((100, 50, 255), 0.5) == (50, 25, 127)
