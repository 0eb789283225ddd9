from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from reseen.datasets.manifest import Manifest
from reseen.demo.people_sheet import data_uri, people_sheet
from reseen.images.decode import decode_image


def test_three_people_have_a_row_each_in_groups_by_camera(people: Manifest) -> None:
    sheet = np.asarray(people_sheet(people))

    # Six images of 32 by 64 by three cameras, 4 pixels apart, and 8 more between the cameras.
    assert sheet.shape == (3 * 64 + 2 * 4, 6 * 32 + 5 * 4 + 2 * 8, 3)
    train = people.split("train")
    first = [sample for sample in train if sample.person == train[0].person]
    assert np.array_equal(sheet[:64, :32], decode_image(first[0].path))
    assert np.array_equal(sheet[:64, 36:68], decode_image(first[1].path))
    assert (sheet[:64, 68:80] == 255).all()
    assert np.array_equal(sheet[:64, 80:112], decode_image(first[2].path))


def test_a_picture_becomes_a_part_of_a_page_pixel_by_pixel() -> None:
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))

    kind, _, data = data_uri(image).partition(",")

    assert kind == "data:image/png;base64"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), np.asarray(image))
