"""Fixtures shared by the tests of the synthetic people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from reseen.synthetic.person import Cloth, Person

PersonMaker = Callable[..., Person]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture(scope="session")
def make_person() -> PersonMaker:
    """Make a plainly dressed person of average build; keyword arguments change what they name."""
    plain = Person(
        skin=Cloth((200, 150, 120)),
        hair_kind="short",
        hair=Cloth((60, 40, 30)),
        hat_kind="none",
        hat=Cloth((1, 1, 1)),
        top_kind="tee",
        top=Cloth((0, 0, 200)),
        inner=Cloth((250, 250, 0)),
        emblem=False,
        bottom_kind="trousers",
        bottom=Cloth((0, 120, 0)),
        shoes=Cloth((20, 20, 20)),
        bag_kind="none",
        bag=Cloth((255, 0, 0)),
        bag_side=1,
        bulk=1.0,
        legs=0.49,
        shoulders=1.0,
    )

    def make(**changes: object) -> Person:
        return replace(plain, **changes)  # type: ignore[arg-type]

    return make
