"""Backdrops: the places that the cameras look at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from reseen.synthetic.camera import Scene
from reseen.synthetic.chance import Colour, jitter, pick
from reseen.synthetic.obstacles import PAINTS, Box, draw_car

_FRAMES_WIDE = 6
_MARGIN = 1.25
"""A backdrop is this many frames wide, and this many times as high as a frame."""


def draw_backdrop(scene: Scene, frame: tuple[int, int], defocus: float, rng: np.random.Generator) -> Image.Image:
    """A wide view of a place, out of which the background of each image is cut.

    Args:
        scene: kind of place.
        frame: width and height of a frame, pixels.
        defocus: blur, in heights of a frame.
        rng: source of its buildings, trees and stones.
    """
    width, height = frame[0] * _FRAMES_WIDE, round(frame[1] * _MARGIN)
    backdrop = Image.new("RGB", (width, height))
    horizon = round(height * rng.uniform(0.3, 0.5))
    _SCENES[scene](ImageDraw.Draw(backdrop), width, height, horizon, rng)
    return backdrop.filter(ImageFilter.GaussianBlur(frame[1] * defocus))


def cut_background(backdrop: Image.Image, frame: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """A frame somewhere in the backdrop."""
    left = int(rng.integers(backdrop.width - frame[0] + 1))
    top = int(rng.integers(backdrop.height - frame[1] + 1))
    return backdrop.crop((left, top, left + frame[0], top + frame[1]))


def _slabs(pen: ImageDraw.ImageDraw, box: Box, ground: Colour, joint: Colour) -> None:
    """Paved ground: joints that draw together towards the horizon."""
    _, horizon, width, height = box
    pen.rectangle(box, fill=ground)
    middle, deep = width / 2, height - horizon
    for column in range(-40, 41):
        pen.line((middle + column * deep * 0.12, horizon, middle + column * deep * 0.4, height), fill=joint, width=2)
    step = 0.04
    while step < 1:
        pen.line((0, horizon + step * deep, width, horizon + step * deep), fill=joint, width=2)
        step *= 1.35


def _facade(pen: ImageDraw.ImageDraw, width: int, foot: int, rng: np.random.Generator, glass: Colour) -> None:
    """A row of houses with windows and doors, down to `foot`."""
    left = 0
    while left < width:
        right = left + int(foot * rng.uniform(0.8, 1.8))
        wall = jitter(pick(rng, ((168, 138, 112), (186, 182, 172), (142, 96, 80), (120, 124, 130))), rng)
        pen.rectangle((left, 0, right, foot), fill=wall)
        pitch = int(foot * rng.uniform(0.3, 0.45))
        for x in range(left + pitch // 4, right - pitch // 2, pitch):
            door = rng.random() < 0.3
            pane = jitter(pick(rng, PAINTS) if door else glass, rng)
            pen.rectangle((x, int(foot * 0.3), x + pitch // 2, foot if door else int(foot * 0.72)), fill=pane)
        left = right


def _street(pen: ImageDraw.ImageDraw, width: int, height: int, horizon: int, rng: np.random.Generator) -> None:
    _facade(pen, width, horizon, rng, (74, 88, 104))
    kerb = horizon + (height - horizon) // 4
    pen.rectangle((0, horizon, width, kerb), fill=jitter((150, 148, 144), rng))
    pen.rectangle((0, kerb, width, height), fill=jitter((92, 92, 96), rng))
    pen.rectangle((0, kerb, width, kerb + height // 60), fill=(186, 184, 178))
    for x in range(0, width, height // 3):
        pen.rectangle((x, int(height * 0.8), x + height // 6, int(height * 0.82)), fill=(206, 204, 196))
    for _ in range(5):
        x, long = int(rng.integers(width)), int(height * 0.7)
        draw_car(pen, (x, kerb - height // 6, x + long, kerb + height // 30), pick(rng, PAINTS))


def _park(pen: ImageDraw.ImageDraw, width: int, height: int, horizon: int, rng: np.random.Generator) -> None:
    pen.rectangle((0, 0, width, horizon), fill=jitter((150, 174, 190), rng))
    pen.rectangle((0, horizon, width, height), fill=jitter((104, 130, 78), rng))
    path = int(horizon + (height - horizon) * rng.uniform(0.3, 0.6))
    pen.rectangle((0, path, width, path + (height - path) // 2), fill=jitter((178, 164, 138), rng))
    for _ in range(width * 6 // height):
        x, trunk = int(rng.integers(width)), int(height * rng.uniform(0.015, 0.035))
        pen.rectangle((x - trunk, 0, x + trunk, horizon + height // 14), fill=jitter((92, 74, 58), rng))
        for _ in range(6):
            radius = height * rng.uniform(0.08, 0.16)
            cx, cy = x + rng.normal() * height * 0.12, horizon * rng.uniform(-0.2, 0.55)
            pen.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=jitter((70, 104, 58), rng))


def _hall(pen: ImageDraw.ImageDraw, width: int, height: int, horizon: int, rng: np.random.Generator) -> None:
    pen.rectangle((0, 0, width, horizon), fill=jitter((206, 202, 190), rng))
    _slabs(pen, (0, horizon, width, height), jitter((172, 170, 166), rng), (150, 148, 146))
    for x in range(int(rng.integers(height // 3)), width, height * 2 // 3):
        pen.rectangle((x, 0, x + height // 8, horizon + height // 16), fill=jitter((164, 160, 152), rng))
        shop = x + height // 5
        pen.rectangle((shop, height // 12, shop + height * 2 // 5, horizon), fill=jitter(pick(rng, PAINTS), rng))
        pen.rectangle((shop, height // 6, shop + height * 2 // 5, horizon), fill=jitter((88, 96, 104), rng))


def _plaza(pen: ImageDraw.ImageDraw, width: int, height: int, horizon: int, rng: np.random.Generator) -> None:
    low = int(horizon * 0.7)
    _facade(pen, width, low, rng, (120, 136, 150))
    _slabs(pen, (0, low, width, height), jitter((160, 152, 142), rng), (132, 126, 118))
    for _ in range(8):
        x, y, radius = int(rng.integers(width)), low + height // 20, int(height * rng.uniform(0.04, 0.08))
        pen.rectangle((x - radius, y, x + radius, y + radius), fill=jitter((128, 120, 112), rng))
        pen.ellipse((x - radius, y - radius, x + radius, y + radius // 2), fill=jitter((84, 118, 70), rng))


_Draw = Callable[[ImageDraw.ImageDraw, int, int, int, np.random.Generator], None]
_SCENES: dict[Scene, _Draw] = {"street": _street, "park": _park, "hall": _hall, "plaza": _plaza}
