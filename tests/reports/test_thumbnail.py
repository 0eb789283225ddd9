from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from reseen.reports.thumbnail import HEIGHT, thumbnail


def opened(uri: str) -> Image.Image:
    kind, _, content = uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_a_thumbnail_is_small_and_keeps_proportions_and_colour(tmp_path: Path) -> None:
    Image.new("RGB", (800, 1600), (200, 30, 30)).save(tmp_path / "a.png")

    small = opened(thumbnail(tmp_path / "a.png"))

    assert small.size == (HEIGHT // 2, HEIGHT)
    red, green, blue = small.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert abs(red - 200) + abs(green - 30) + abs(blue - 30) < 12


def test_an_image_that_is_gone_is_grey(tmp_path: Path) -> None:
    red, green, blue = opened(thumbnail(tmp_path / "gone.jpg")).convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert red == green == blue
