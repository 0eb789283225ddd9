"""A trained network as what is exported."""

from __future__ import annotations

import numpy as np

from reseen.exporting.source import Source


def test_an_image_has_the_same_feature_alone_and_among_others(small_source: Source) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 32, 3), dtype=np.uint8)
    alone = np.concatenate([small_source.run(image[None]) for image in images])
    np.testing.assert_allclose(small_source.run(images), alone, atol=1e-6)
    assert alone.shape == (3, small_source.feature_size)
