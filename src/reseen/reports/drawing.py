"""The field's classic picture: a query and its ranked gallery images, hits framed green and misses red."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reseen.errors import UsageError
from reseen.shapes import UInt8

Colour = tuple[int, int, int]
Pixels = UInt8[np.ndarray, "h w 3"]

MAX_ROWS, MAX_MATCHES = 200, 100
"""Most rows of a picture, and most matches of a row."""

# Okabe and Ito's bluish green and vermilion, which colour-blind readers tell apart too.
HIT: Colour = (0, 158, 115)
MISS: Colour = (213, 94, 0)
UNKNOWN: Colour = (140, 140, 140)
_QUERY: Colour = (40, 40, 40)
_PAPER: Colour = (255, 255, 255)
_MAT: Colour = (238, 238, 238)
_INK: Colour = (34, 34, 34)
_FAINT: Colour = (110, 110, 110)

_TILE = 74, 148
_FRAME = 4
_GAP = 6
_QUERY_GAP = 20
_MARGIN = 12
_HEADER = 22
_CAPTION = 40
_DASH = 11
_BADGE = 18
_FONT = ImageFont.load_default(size=14)
_SMALL = ImageFont.load_default(size=12)

_PITCH = _TILE[0] + 2 * _FRAME + _GAP
_ROW = _TILE[1] + 2 * _FRAME + _CAPTION


@dataclass(frozen=True, slots=True)
class RankedMatch:
    """One gallery image in a ranked list.

    Attributes:
        image: (h, w, 3) uint8 RGB.
        score: similarity to the query; printed below the image.
        hit: whether it shows the person of the query; None when that is not known.
        label: a second line below the image, such as its camera.
    """

    image: Pixels
    score: float
    hit: bool | None
    label: str = ""


@dataclass(frozen=True, slots=True)
class RankedList:
    """A query and what was found for it.

    Attributes:
        label: a line below the query, such as its person; cut off where it does not fit.
        query: (h, w, 3) uint8 RGB.
        matches: best first.
        sublabel: a second line below the query, such as its camera.
    """

    label: str
    query: Pixels
    matches: Sequence[RankedMatch]
    sublabel: str = ""


def draw_ranked_lists(rows: Sequence[RankedList]) -> Image.Image:
    """A picture with a row for each query: the query at the left, then its matches by rank, their scores below.

    A hit has a whole green frame and a tick, a miss a dashed red frame and a cross, a match of which nothing is known
    a grey frame, so that the picture can be read without its colours. With ten matches it is about 1,000 pixels wide.

    Returns:
        RGB image.

    Raises:
        UsageError: no row, more than `MAX_ROWS`, no match in any row, or more than `MAX_MATCHES` in one.
    """
    ranks = _check_counts(rows)
    width = 2 * _MARGIN + _PITCH + _QUERY_GAP + ranks * _PITCH - 2 * _GAP
    picture = Image.new("RGB", (width, _HEADER + len(rows) * _ROW + _MARGIN), _PAPER)
    pen = ImageDraw.Draw(picture)
    for place in range(ranks + 1):
        middle = _left(place) + _FRAME + _TILE[0] / 2
        pen.text((middle, _HEADER - 5), "query" if place == 0 else str(place), _FAINT, _SMALL, anchor="ms")
    for number, row in enumerate(rows):
        top = _HEADER + number * _ROW
        _place_image(picture, row.query, (_left(0), top), _QUERY)
        _write_caption(pen, (_left(0), top), row.label, row.sublabel)
        for place, match in enumerate(row.matches, start=1):
            _place_match(picture, pen, match, (_left(place), top))
    return picture


def _check_counts(rows: Sequence[RankedList]) -> int:
    """The length of the longest row."""
    ranks = max((len(row.matches) for row in rows), default=0)
    if not (1 <= len(rows) <= MAX_ROWS and 1 <= ranks <= MAX_MATCHES):
        raise UsageError(
            "the ranked lists cannot be drawn",
            expected=f"1 to {MAX_ROWS} queries with 1 to {MAX_MATCHES} matches",
            got=f"{len(rows)} queries with up to {ranks} matches",
            cure="draw fewer queries at a time, and fewer ranks",
        )
    return ranks


def _left(place: int) -> int:
    """Left edge of the query (place 0) or of a rank."""
    return _MARGIN + place * _PITCH + (_QUERY_GAP - _GAP if place else 0)


def _place_match(picture: Image.Image, pen: ImageDraw.ImageDraw, match: RankedMatch, corner: tuple[int, int]) -> None:
    colour = {True: HIT, False: MISS, None: UNKNOWN}[match.hit]
    _place_image(picture, match.image, corner, colour)
    if match.hit is False:
        _cut_dashes(pen, corner)
    if match.hit is not None:
        badge, mask = _draw_badge(colour, tick=match.hit)
        picture.paste(badge, corner, mask)
    _write_caption(pen, corner, f"{match.score:.3f}", match.label)


def _place_image(picture: Image.Image, pixels: Pixels, corner: tuple[int, int], colour: Colour) -> None:
    """The image, whole and in its own proportions, in a frame."""
    left, top = corner
    outer = left, top, left + _TILE[0] + 2 * _FRAME - 1, top + _TILE[1] + 2 * _FRAME - 1
    ImageDraw.Draw(picture).rectangle(outer, fill=_MAT, outline=colour, width=_FRAME)
    height, width = pixels.shape[:2]
    scale = min(_TILE[0] / width, _TILE[1] / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    picture.paste(image, (left + _FRAME + (_TILE[0] - size[0]) // 2, top + _FRAME + (_TILE[1] - size[1]) // 2))


def _cut_dashes(pen: ImageDraw.ImageDraw, corner: tuple[int, int]) -> None:
    """Interrupt a frame along all four sides."""
    left, top = corner
    right, bottom = left + _TILE[0] + _FRAME, top + _TILE[1] + _FRAME
    gap, thick = _DASH // 2, _FRAME - 1
    for x in range(left + _DASH, right - gap, _DASH + gap):
        for y in (top, bottom):
            pen.rectangle((x, y, x + gap - 1, y + thick), fill=_PAPER)
    for y in range(top + _DASH, bottom - gap, _DASH + gap):
        for x in (left, right):
            pen.rectangle((x, y, x + thick, y + gap - 1), fill=_PAPER)


def _draw_badge(colour: Colour, *, tick: bool) -> tuple[Image.Image, Image.Image]:
    """A disc with a white tick or cross, and its mask; drawn four times as large for smooth edges."""
    large = 4 * _BADGE
    badge, mask = Image.new("RGB", (large, large), colour), Image.new("L", (large, large))
    ImageDraw.Draw(mask).ellipse((0, 0, large - 1, large - 1), fill=255)
    strokes = (
        [((0.26, 0.52), (0.44, 0.7), (0.75, 0.32))] if tick else [((0.3, 0.3), (0.7, 0.7)), ((0.7, 0.3), (0.3, 0.7))]
    )
    pen = ImageDraw.Draw(badge)
    for stroke in strokes:
        pen.line([(x * large, y * large) for x, y in stroke], fill=_PAPER, width=9, joint="curve")
    return badge.reduce(4), mask.reduce(4)


def _write_caption(pen: ImageDraw.ImageDraw, corner: tuple[int, int], first: str, second: str) -> None:
    middle = corner[0] + _FRAME + _TILE[0] / 2
    below = corner[1] + _TILE[1] + 2 * _FRAME
    pen.text((middle, below + 14), _fit(first, _FONT), _INK, _FONT, anchor="ms")
    pen.text((middle, below + 28), _fit(second, _SMALL), _FAINT, _SMALL, anchor="ms")


def _fit(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text on one line, its end cut off where it is wider than an image."""
    text = " ".join(text.split())[:80]
    short = text
    while font.getlength(short) > _PITCH:
        text = text[:-1]
        short = f"{text}…"
    return short
