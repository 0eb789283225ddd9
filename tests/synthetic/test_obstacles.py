from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from reseen.synthetic.obstacles import draw_car, place_obstacle

GROUND = (1, 2, 3)


def test_an_obstacle_hides_something_but_never_everything() -> None:
    hidden = []
    for seed in range(200):
        picture = Image.new("RGB", (192, 384), GROUND)
        place_obstacle(picture, np.random.default_rng(seed))
        hidden.append(float((np.asarray(picture) != GROUND).any(axis=2).mean()))
    assert min(hidden) > 0.005
    assert max(hidden) < 0.5
    assert len({round(share, 3) for share in hidden}) > 50


def test_obstacles_stand_on_the_ground() -> None:
    for seed in range(60):
        picture = Image.new("RGB", (192, 384), GROUND)
        place_obstacle(picture, np.random.default_rng(seed))
        covered = (np.asarray(picture) != GROUND).any(axis=2)
        assert covered[240:].sum() > covered[:140].sum()


def test_a_car_has_its_colour_and_stays_in_its_box() -> None:
    picture = Image.new("RGB", (300, 200), GROUND)
    draw_car(ImageDraw.Draw(picture), (50.0, 60.0, 250.0, 140.0), (200, 10, 10))
    painted = np.argwhere((np.asarray(picture) != GROUND).any(axis=2))
    assert (np.asarray(picture)[115, 150] == (200, 10, 10)).all()
    assert painted[:, 0].min() == 60
    assert painted[:, 0].max() <= 140 + 0.2 * 80 + 1  # the wheels stand out below
    assert (painted[:, 1].min(), painted[:, 1].max()) == (50, 250)
