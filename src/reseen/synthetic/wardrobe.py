"""Clothes for people who are easy to tell apart."""

from __future__ import annotations

from dataclasses import replace

from reseen.synthetic.chance import Colour
from reseen.synthetic.person import Cloth, Person

COLOURS: tuple[Colour, ...] = (
    (196, 44, 44),
    (226, 196, 64),
    (58, 132, 66),
    (52, 88, 180),
    (230, 229, 224),
    (36, 36, 42),
    (224, 120, 44),
    (134, 64, 148),
)
OUTFITS = len(COLOURS) * (len(COLOURS) - 1)
"""So many people wear colours that nobody else wears in that order."""


def dress_apart(person: Person, number: int) -> Person:
    """The person in colours of their own, by their number: a top, and something else below."""
    top = number % len(COLOURS)
    apart = 1 + (2 + number // len(COLOURS)) % (len(COLOURS) - 1)
    bottom = (top + apart) % len(COLOURS)
    cloth = replace(person.top, colour=COLOURS[top])
    # Jackets are closed: what they are worn over is seen from the front alone.
    return replace(person, top=cloth, inner=cloth, bottom=Cloth(COLOURS[bottom]))
