"""Paint shapes into a picture: colours and light on separate layers, so that shading falls on patterns too."""

from __future__ import annotations

import math
from collections.abc import Iterable

from PIL import Image, ImageChops, ImageDraw

from reseen.synthetic.person import Cloth
from reseen.synthetic.shapes import Outline, Shape, View

_REPEAT = 0.062  # period of a pattern, in body heights
_FAR = 0.03  # what lies this much behind the body's axis, in body heights, is a little darker


def paint_shapes(picture: Image.Image, shapes: Iterable[Shape], view: View, light_from: float) -> Image.Image:
    """The picture with the shapes painted over it, far ones first.

    Args:
        picture: RGB background; it is not changed.
        shapes: what to paint.
        view: how the shapes are seen.
        light_from: where the light stands: -1 left .. 1 right.
    """
    colours = picture.copy()
    light = Image.new("L", picture.size, 255)
    colour_pen, light_pen = ImageDraw.Draw(colours), ImageDraw.Draw(light)
    for shape in sorted(shapes, key=lambda shape: (shape.layer, shape.depth(view))):
        outline = shape.outline(view)
        if outline:
            _fill(colours, colour_pen, outline, shape.cloth, view.scale)
            _shade(light_pen, outline, view.scale, light_from, far=shape.depth(view) < -_FAR)
    return ImageChops.multiply(colours, Image.merge("RGB", (light, light, light)))


def cast_shadow(picture: Image.Image, foot: tuple[float, float], scale: float, light_from: float) -> None:
    """Darken the ground beside somebody's feet, in place."""
    width, height = max(2, round(0.42 * scale)), max(2, round(0.07 * scale))
    shadow = Image.new("L", (width, height))
    ImageDraw.Draw(shadow).ellipse((0, 0, width - 1, height - 1), fill=110)
    corner = round(foot[0] - width / 2 - 0.1 * scale * light_from), round(foot[1] - 0.6 * height)
    picture.paste((20, 20, 26), corner, shadow)


def _shade(pen: ImageDraw.ImageDraw, outline: Outline, scale: float, light_from: float, far: bool) -> None:
    """Darken the edge away from the light: the outline again, lighter, shifted towards the light."""
    dimmed = 30 if far else 0
    for shift, level in ((0.0, 150), (0.008, 195), (0.02, 235)):
        offset = shift * scale * light_from
        pen.polygon([(x + offset, y) for x, y in outline], fill=level - dimmed)


def _fill(picture: Image.Image, pen: ImageDraw.ImageDraw, outline: Outline, cloth: Cloth, scale: float) -> None:
    if cloth.pattern == "plain":
        pen.polygon(outline, fill=cloth.colour)
        return
    left, top = (math.floor(min(values)) for values in zip(*outline, strict=True))
    right, bottom = (math.ceil(max(values)) + 1 for values in zip(*outline, strict=True))
    mask = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in outline], fill=255)
    picture.paste(_swatch(cloth, mask.size, _REPEAT * scale), (left, top), mask)


def _swatch(cloth: Cloth, size: tuple[int, int], repeat: float) -> Image.Image:
    """A piece of patterned cloth; `repeat` is the period of the pattern in pixels."""
    width, height = size
    swatch = Image.new("RGB", size, cloth.colour)
    pen = ImageDraw.Draw(swatch)
    across = [i * repeat for i in range(math.ceil(width / repeat))]
    down = [i * repeat for i in range(math.ceil(height / repeat))]
    if cloth.pattern in ("stripes", "plaid"):
        thick = repeat * (0.5 if cloth.pattern == "stripes" else 0.3)
        for y in down:
            pen.rectangle((0, y, width, y + thick), fill=cloth.accent)
    if cloth.pattern in ("bars", "plaid"):
        thick = repeat * (0.42 if cloth.pattern == "bars" else 0.3)
        for x in across:
            pen.rectangle((x, 0, x + thick, height), fill=cloth.accent)
    if cloth.pattern == "dots":
        for row, y in enumerate(down):
            for x in across:
                start = x + (row % 2) * repeat / 2
                pen.ellipse((start, y, start + 0.55 * repeat, y + 0.55 * repeat), fill=cloth.accent)
    if cloth.pattern == "block":
        pen.rectangle((0, height // 2, width, height), fill=cloth.accent)
    return swatch
