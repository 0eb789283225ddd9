"""Small images that are part of a page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from reseen.errors import ImageError
from reseen.images.decode import decode_image

HEIGHT = 160
QUALITY = 82


def thumbnail(path: Path) -> str:
    """A small JPEG as a data URI; grey where the file is no longer there."""
    try:
        image = Image.fromarray(decode_image(path))
    except ImageError:
        image = Image.new("RGB", (HEIGHT // 2, HEIGHT), "lightgrey")
    image.thumbnail((HEIGHT, HEIGHT))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
