"""Two images side by side, with what their comparison says."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reseen.engines.match import Match
from reseen.errors import UsageError
from reseen.files import write_whole
from reseen.reports.verdict_words import compared
from reseen.shapes import UInt8

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
SIDE = 320
"""Pixels that an image is at most high and wide."""
MARGIN = 16
LINE = 22
CHARACTERS = 74
# Okabe and Ito's bluish green and vermilion, which colour-blind readers tell apart too.
HIT, MISS, UNKNOWN = (0, 158, 115), (213, 94, 0), (140, 140, 140)
_FRAME = {"same": HIT, "different": MISS, "unsure": UNKNOWN}
_FONT = ImageFont.load_default(size=15)


def in_words(match: Match) -> list[str]:
    """The score, and what it means where that is known."""
    return [f"score {match.score:.4f}", *([] if match.verdict is None else [compared(match.verdict)])]


def require_picture(output: Path) -> None:
    """Refuse a name that is no picture's.

    Raises:
        UsageError: it is not.
    """
    if output.suffix.lower() not in FORMATS:
        raise UsageError(
            f"{output.name} cannot be a picture",
            expected=f"a name that ends in {', '.join(FORMATS)}",
            got=output.suffix or "no ending",
            cure="change the name",
        )


def write_comparison_picture(
    output: Path,
    pixels: Sequence[UInt8[np.ndarray, "_ _ 3"]],
    names: Sequence[str],
    match: Match,
    terms: str | None = None,
) -> None:
    """Draw two images side by side, framed by the verdict, with the score below.

    Args:
        output: a picture's file.
        pixels: of both images.
        names: of both.
        match: what their comparison says.
        terms: of the model's use, to stand below.

    Raises:
        UsageError: the output is no picture's name.
        StorageError: it cannot be written.
    """
    require_picture(output)
    lines = [each for text in [*in_words(match), *([terms] if terms else [])] for each in wrap(text, CHARACTERS)]
    frame = UNKNOWN if match.verdict is None else _FRAME[match.verdict.answer]
    picture = Image.new("RGB", (2 * SIDE + 3 * MARGIN, SIDE + 3 * MARGIN + (len(lines) + 1) * LINE), "white")
    pen = ImageDraw.Draw(picture)
    for place, (each, name) in enumerate(zip(pixels, names, strict=True)):
        left = MARGIN + place * (SIDE + MARGIN)
        image = Image.fromarray(each)
        scale = SIDE / max(image.size)
        image = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC)
        corner = left + (SIDE - image.width) // 2, MARGIN + (SIDE - image.height) // 2
        picture.paste(image, corner)
        pen.rectangle((left - 4, MARGIN - 4, left + SIDE + 3, MARGIN + SIDE + 3), outline=frame, width=4)
        pen.text((left, SIDE + 2 * MARGIN), _end(Path(name).name), "dimgrey", _FONT)
    for number, line in enumerate(lines, start=1):
        pen.text((MARGIN, SIDE + 2 * MARGIN + number * LINE), line, "black", _FONT)
    buffer = io.BytesIO()
    picture.save(buffer, FORMATS[output.suffix.lower()])
    write_whole(output, buffer.getvalue())


def _end(name: str) -> str:
    """The last part of a name, as much as fits below an image."""
    text = " ".join(name.encode("utf-8", "replace").decode().split())[-80:]
    short = text
    while _FONT.getlength(short) > SIDE:
        text = text[1:]
        short = f"…{text}"
    return short
