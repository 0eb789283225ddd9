from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from reseen.synthetic.backdrop import cut_background, draw_backdrop
from reseen.synthetic.camera import SCENES, Scene

FRAME = (192, 384)


@pytest.mark.parametrize("scene", SCENES)
def test_a_backdrop_is_the_same_for_the_same_chance_and_else_another(scene: Scene) -> None:
    first, again, other = (draw_backdrop(scene, FRAME, 0.005, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("scene", SCENES)
def test_no_part_of_a_backdrop_is_left_black(scene: Scene) -> None:
    backdrop = draw_backdrop(scene, FRAME, 0.005, np.random.default_rng(3))
    assert (np.asarray(backdrop).max(axis=2) < 10).mean() < 0.001


@pytest.mark.parametrize("frame", [(48, 96), (96, 96), (768, 384)])
def test_backdrops_of_any_shape_can_be_drawn(frame: tuple[int, int]) -> None:
    for scene in SCENES:
        backdrop = draw_backdrop(scene, frame, 0.005, np.random.default_rng(0))
        assert backdrop.width > frame[0]
        assert backdrop.height > frame[1]


def test_what_is_out_of_focus_has_no_sharp_edges() -> None:
    sharp, soft = (draw_backdrop("plaza", FRAME, defocus, np.random.default_rng(0)) for defocus in (0.005, 0.03))
    steep, even = (np.abs(np.diff(np.asarray(each, dtype=float), axis=1)).max() for each in (sharp, soft))
    assert even < 0.4 * steep


def test_a_background_is_cut_out_of_the_backdrop(rng: np.random.Generator) -> None:
    ramp = np.arange(400)[None, :, None] % 256 + np.zeros((300, 1, 3))
    backdrop = Image.fromarray(ramp.astype(np.uint8))
    cuts = [np.asarray(cut_background(backdrop, (50, 80), rng)) for _ in range(20)]
    assert all(cut.shape == (80, 50, 3) for cut in cuts)
    assert all((np.diff(cut[0, :, 0].astype(np.uint8)) == 1).all() for cut in cuts)
    assert len({int(cut[0, 0, 0]) for cut in cuts}) > 5
