"""`Person`: what somebody looks like from every side. All appearance comes from small, shared wardrobes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from reseen.synthetic.chance import Colour, pick

Pattern = Literal["plain", "stripes", "bars", "plaid", "dots", "block"]
Top = Literal["tank", "tee", "shirt", "hoodie", "jacket", "coat"]
Bottom = Literal["trousers", "shorts", "skirt"]
Hair = Literal["bald", "short", "bob", "long", "ponytail"]
Hat = Literal["none", "cap", "beanie"]
Bag = Literal["none", "backpack", "messenger", "handbag", "trolley"]

SKINS: tuple[Colour, ...] = ((241, 205, 178), (222, 172, 134), (190, 130, 92), (128, 80, 54))
HAIRS: tuple[Colour, ...] = ((30, 26, 26), (72, 48, 34), (196, 158, 96), (150, 148, 146))
# Few colours, and the dark ones common: many persons share the colours of both top and bottom.
TOPS: tuple[Colour, ...] = ((40, 42, 48), (228, 226, 220), (126, 128, 132), (40, 58, 108), (168, 44, 48), (70, 112, 78))
TOP_ODDS = (0.26, 0.2, 0.16, 0.16, 0.12, 0.1)
PATTERNS: tuple[Pattern, ...] = ("plain", "stripes", "bars", "plaid", "dots", "block")
PATTERN_ODDS = (0.4, 0.15, 0.1, 0.13, 0.1, 0.12)
BOTTOMS: tuple[Colour, ...] = ((38, 38, 44), (62, 84, 126), (158, 142, 110))
BOTTOM_ODDS = (0.42, 0.38, 0.2)
SHOES: tuple[Colour, ...] = ((230, 228, 224), (34, 32, 34), (120, 76, 48))
BAGS: tuple[Colour, ...] = ((44, 42, 46), (126, 82, 52), (170, 48, 52), (66, 98, 140))


@dataclass(frozen=True, slots=True)
class Cloth:
    """A material: a colour, and a pattern in a second colour."""

    colour: Colour
    accent: Colour = (0, 0, 0)
    pattern: Pattern = "plain"


@dataclass(frozen=True, slots=True)
class Person:
    """Everything that stays the same about a person between cameras.

    Attributes:
        skin, hair, hat, bottom, shoes, bag: materials; `*_kind` says the cut of each.
        top: material of the upper garment; jackets and coats are worn open over `inner`.
        emblem: whether the front of the top carries a print.
        bulk: girth relative to the average, about 0.8..1.3.
        legs: hip height as a share of the body height.
        shoulders: shoulder width relative to others of the same bulk.
        bag_side: -1 or 1, the side a bag is carried on.
    """

    skin: Cloth
    hair_kind: Hair
    hair: Cloth
    hat_kind: Hat
    hat: Cloth
    top_kind: Top
    top: Cloth
    inner: Cloth
    emblem: bool
    bottom_kind: Bottom
    bottom: Cloth
    shoes: Cloth
    bag_kind: Bag
    bag: Cloth
    bag_side: int
    bulk: float
    legs: float
    shoulders: float

    @property
    def breadth(self) -> float:
        """Width of the shoulders relative to the average."""
        return self.shoulders * (0.7 + 0.3 * self.bulk)

    @property
    def girth(self) -> float:
        """Thickness of the limbs relative to the average."""
        return 0.5 + 0.5 * self.bulk


def draw_person(rng: np.random.Generator) -> Person:
    """A person put together at random."""
    colour = pick(rng, TOPS, TOP_ODDS)
    accent = pick(rng, [c for c in TOPS if c != colour])
    pattern: Pattern = pick(rng, PATTERNS, PATTERN_ODDS)
    return Person(
        skin=Cloth(pick(rng, SKINS)),
        hair_kind=pick(rng, ("bald", "short", "bob", "long", "ponytail"), (0.1, 0.34, 0.18, 0.22, 0.16)),
        hair=Cloth(pick(rng, HAIRS, (0.4, 0.3, 0.18, 0.12))),
        hat_kind=pick(rng, ("none", "cap", "beanie"), (0.7, 0.18, 0.12)),
        hat=Cloth(pick(rng, BAGS)),
        top_kind=pick(rng, ("tank", "tee", "shirt", "hoodie", "jacket", "coat"), (0.08, 0.3, 0.18, 0.16, 0.16, 0.12)),
        top=Cloth(colour, accent, pattern),
        inner=Cloth(pick(rng, TOPS)),
        emblem=bool(rng.random() < 0.3),
        bottom_kind=pick(rng, ("trousers", "shorts", "skirt"), (0.6, 0.22, 0.18)),
        bottom=Cloth(pick(rng, BOTTOMS, BOTTOM_ODDS)),
        shoes=Cloth(pick(rng, SHOES)),
        bag_kind=pick(rng, ("none", "backpack", "messenger", "handbag", "trolley"), (0.3, 0.26, 0.2, 0.14, 0.1)),
        bag=Cloth(pick(rng, BAGS)),
        bag_side=pick(rng, (-1, 1)),
        bulk=float(rng.uniform(0.84, 1.28)),
        legs=float(rng.uniform(0.46, 0.52)),
        shoulders=float(rng.uniform(0.92, 1.12)),
    )
