"""Looks of images on disk, and features of copies that were altered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from reseen.assess.usual import ALTERED, learn_usual
from reseen.engines.load import load
from reseen.images.looks import LOOKS


def test_bounds_are_those_of_the_images(small_bundle: Path, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    paths = []
    for number in range(90):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(draw.integers(60, 180, (40, 20, 3), dtype=np.uint8)).save(paths[-1])
    told: list[tuple[str, int, int]] = []
    with load(small_bundle) as embedder:
        features = embedder.embed(paths)
        usual = learn_usual(embedder, paths, features, lambda *step: told.append(step))
        looks = embedder.embed_each(np.full((40, 20, 3), 3, dtype=np.uint8)).looks

    assert usual is not None
    assert usual.looks["height"][0] == round(40 / 1.5, 3)
    low, high = usual.looks["brightness"]
    assert 60 < low < 120 < high < 180
    assert looks is not None
    assert looks[0, LOOKS.index("brightness")] < low
    assert usual.directions == {}  # 90 images are too few for 16 numbers
    assert told[-1] == ("looks", 90, 90)


def test_the_altered_are_what_they_are_called() -> None:
    pixels = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3)
    assert ALTERED["upside down"](pixels).tolist() == np.rot90(pixels, 2).tolist()
    assert ALTERED["the upper half of a person"](pixels).tolist() == pixels[:2].tolist()
    assert ALTERED["the lower half of a person"](pixels).tolist() == pixels[2:].tolist()
