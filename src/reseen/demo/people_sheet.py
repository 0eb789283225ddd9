"""Some people of a dataset in one picture."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from itertools import pairwise

from PIL import Image

from reseen.datasets.manifest import Manifest, Sample
from reseen.images.decode import decode_image

PEOPLE = 3
GAP = 4


def people_sheet(manifest: Manifest) -> Image.Image:
    """The first training people, a row each, in groups by the cameras that see them."""
    train = manifest.split("train")
    rows = [[s for s in train if s.person == person] for person in sorted({s.person for s in train})[:PEOPLE]]
    images = [[Image.fromarray(decode_image(sample.path)) for sample in row] for row in rows]
    width, height = images[0][0].size
    lefts = [[x * (width + GAP) + 2 * GAP * _camera_changes(row[: x + 1]) for x in range(len(row))] for row in rows]
    sheet = Image.new("RGB", (max(map(max, lefts)) + width, len(rows) * (height + GAP) - GAP), "white")
    for y, row in enumerate(images):
        for left, image in zip(lefts[y], row, strict=True):
            sheet.paste(image, (left, y * (height + GAP)))
    return sheet


def data_uri(image: Image.Image) -> str:
    """The picture as a part of a page."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _camera_changes(row: Sequence[Sample]) -> int:
    return sum(before.camera != after.camera for before, after in pairwise(row))
