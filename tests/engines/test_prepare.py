from __future__ import annotations

import numpy as np
from PIL import Image

from reseen.engines.inputs import inputs_of
from reseen.engines.prepare import prepare
from reseen.errors import ImageError
from reseen.images.preprocess import Preprocess

SIZE = Preprocess(height=16, width=16)


def plain(number: int) -> np.ndarray:
    return np.full((16, 16, 3), number, dtype=np.uint8)


def test_images_are_fitted_in_their_order() -> None:
    pictures: list[np.ndarray | Image.Image] = [
        plain(1),
        Image.fromarray(plain(2)).resize((30, 50)),
        plain(3).repeat(2, axis=0),
    ]

    batch = prepare(inputs_of(pictures), SIZE)

    assert batch.names == ("image 0", "image 1", "image 2")
    np.testing.assert_array_equal(batch.pixels, [plain(1), plain(2), plain(3)])
    assert not batch.broken


def test_a_broken_image_leaves_the_others_where_they_belong() -> None:
    inputs = inputs_of([b"broken" if number in {0, 2} else plain(number) for number in range(5)])

    batch = prepare(inputs, SIZE)

    assert batch.names == ("image 1", "image 3", "image 4")
    assert [row[0, 0, 0] for row in batch.pixels] == [1, 3, 4]
    assert list(batch.broken) == ["image 0", "image 2"]
    assert all(isinstance(error, ImageError) for error in batch.broken.values())


def test_broken_images_alone_have_no_pixels() -> None:
    batch = prepare(inputs_of([b"a", b"b"]), SIZE)

    assert batch.pixels.shape == (0, 16, 16, 3)
    assert len(batch.broken) == 2
