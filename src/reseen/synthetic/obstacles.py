"""What stands between a person and the lens: posts, cars, railings, bushes."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from reseen.synthetic.chance import Colour, jitter, pick

Box = tuple[int | float, int | float, int | float, int | float]
"""Left, top, right and bottom, in pixels."""

PAINTS: tuple[Colour, ...] = (
    (176, 52, 48),
    (52, 92, 150),
    (210, 176, 70),
    (226, 224, 216),
    (50, 52, 58),
    (76, 120, 84),
)
"""Colours of cars, doors and shop fronts."""


def place_obstacle(picture: Image.Image, rng: np.random.Generator) -> None:
    """Put something between the camera and the scene, in place: a post, a car, a railing, a bush."""
    pick(rng, (_post, _car, _railing, _bush))(ImageDraw.Draw(picture), picture.width, picture.height, rng)


def draw_car(pen: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    """A car seen from the side, from the roof at the top of the box to the sills at its bottom."""
    left, top, right, bottom = box
    long, high = right - left, bottom - top
    middle = top + 0.4 * high
    roof = [(left + long * x, y) for x, y in ((0.18, middle), (0.3, top), (0.7, top), (0.84, middle))]
    pen.polygon(roof, fill=(60, 70, 80))
    pen.rounded_rectangle((left, middle, right, bottom), radius=high / 6, fill=colour)
    for wheel in (0.2, 0.8):
        x, radius = left + long * wheel, high * 0.2
        pen.ellipse((x - radius, bottom - radius, x + radius, bottom + radius), fill=(30, 30, 32))


def _car(pen: ImageDraw.ImageDraw, width: int, height: int, rng: np.random.Generator) -> None:
    top, left = height * rng.uniform(0.6, 0.74), width * rng.uniform(-1.6, 0.5)
    draw_car(pen, (left, top, left + 2.2 * width, top + 0.45 * height), jitter(pick(rng, PAINTS), rng))


def _post(pen: ImageDraw.ImageDraw, width: int, height: int, rng: np.random.Generator) -> None:
    x, half = width * rng.uniform(0.15, 0.85), width * rng.uniform(0.04, 0.09)
    top = height * pick(rng, (-0.1, 0.45, 0.55, 0.62))
    colour = jitter(pick(rng, ((70, 72, 76), (150, 148, 144), (186, 168, 60))), rng)
    pen.rounded_rectangle((x - half, top, x + half, height * 1.1), radius=half * 0.8, fill=colour)
    pen.rectangle((x + half * 0.3, top + half, x + half, height), fill=jitter((60, 60, 64), rng))


def _railing(pen: ImageDraw.ImageDraw, width: int, height: int, rng: np.random.Generator) -> None:
    top, bar = height * rng.uniform(0.52, 0.68), max(2, width // 24)
    colour = jitter(pick(rng, ((62, 64, 68), (176, 178, 180))), rng)
    pen.rectangle((0, top, width, top + bar * 1.5), fill=colour)
    pen.rectangle((0, height * 0.92, width, height * 0.92 + bar), fill=colour)
    for x in range(int(rng.integers(width // 6)), width, width // 6):
        pen.rectangle((x, top, x + bar * 0.8, height * 0.94), fill=colour)


def _bush(pen: ImageDraw.ImageDraw, width: int, height: int, rng: np.random.Generator) -> None:
    middle = width * pick(rng, (0.0, 0.25, 0.75, 1.0))
    top = height * rng.uniform(0.62, 0.8)
    for _ in range(26):
        radius = width * rng.uniform(0.08, 0.18)
        x, y = middle + rng.normal() * width * 0.2, rng.uniform(top, height)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=jitter((66, 98, 54), rng, 22))
