from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from reseen.synthetic.painter import cast_shadow, paint_shapes
from reseen.synthetic.person import Cloth, Pattern
from reseen.synthetic.shapes import Capsule, Ring, Solid, View

RED, BLUE = Cloth((200, 0, 0)), Cloth((0, 0, 200))
VIEW = View(0.0, 0.0, 100.0, (60.0, 100.0))


def ball(depth: float, cloth: Cloth, layer: int = 0) -> Capsule:
    middle = (0.0, 0.5, depth)
    return Capsule(middle, 0.3, middle, 0.3, cloth, layer=layer)


def paint(*shapes: Capsule | Solid, light_from: float = 1.0) -> np.ndarray:
    return np.asarray(paint_shapes(Image.new("RGB", (120, 120), (255, 255, 255)), shapes, VIEW, light_from)).astype(int)


def column(cloth: Cloth) -> Solid:
    return Solid([Ring((0.0, 0.9, 0.0), 0.4, 0.4), Ring((0.0, 0.1, 0.0), 0.4, 0.4)], cloth)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_is_nearer_covers_what_is_farther(order: tuple[int, int]) -> None:
    balls = [ball(0.1, RED), ball(-0.1, BLUE)]
    red, _, blue = paint(*(balls[i] for i in order))[50, 60]
    assert red > 100
    assert blue == 0


def test_a_higher_layer_covers_a_nearer_shape() -> None:
    red, _, blue = paint(ball(0.5, RED), ball(-0.5, BLUE, layer=1))[50, 60]
    assert blue > 100
    assert red == 0


def test_what_is_behind_the_body_is_darker() -> None:
    assert paint(ball(-0.1, RED))[50, 60, 0] < paint(ball(0.1, RED))[50, 60, 0]


@pytest.mark.parametrize("light_from", [-1.0, 1.0])
def test_the_side_away_from_the_light_is_darker(light_from: float) -> None:
    row = paint(ball(0.1, RED), light_from=light_from)[50, :, 0]
    left, right = row[31:33].mean(), row[88:90].mean()
    assert (right - left) * light_from > 10


def test_the_picture_given_stays_as_it_is_and_only_the_shape_changes() -> None:
    picture = Image.new("RGB", (120, 120), (10, 200, 10))
    painted = np.asarray(paint_shapes(picture, [ball(0.0, RED)], VIEW, 1.0))
    assert picture.getcolors() == [(120 * 120, (10, 200, 10))]
    assert (painted[:15] == (10, 200, 10)).all()
    assert (painted[50, 60] != (10, 200, 10)).any()


@pytest.mark.parametrize(
    ("pattern", "changes_across", "changes_down"),
    [("plain", False, False), ("stripes", False, True), ("bars", True, False), ("plaid", True, True),
     ("dots", True, True), ("block", False, True)],
)  # fmt: skip
def test_patterns_run_the_way_they_should(pattern: Pattern, changes_across: bool, changes_down: bool) -> None:
    cloth = Cloth((250, 0, 0), accent=(0, 0, 250), pattern=pattern)
    inside = paint(column(cloth), light_from=0.0)[15:85, 30:90]
    blue = inside[..., 2] > inside[..., 0]
    assert blue.any() == (pattern != "plain")
    assert bool((blue != blue[:, :1]).any()) == changes_across
    assert bool((blue != blue[:1, :]).any()) == changes_down


def test_a_pattern_stays_inside_its_shape() -> None:
    striped = paint(column(Cloth((250, 0, 0), (0, 0, 250), "stripes")))
    plain = paint(column(Cloth((250, 0, 0))))
    assert ((striped == 255).all(axis=2) == (plain == 255).all(axis=2)).all()


def test_a_shadow_darkens_the_ground_at_the_feet_away_from_the_light() -> None:
    picture = Image.new("RGB", (200, 100), (180, 180, 180))
    cast_shadow(picture, (100.0, 80.0), 100.0, light_from=1.0)
    darker = np.argwhere(np.asarray(picture)[..., 0] < 180)
    assert abs(darker[:, 0].mean() - 80) < 4
    assert 80 < darker[:, 1].mean() < 95
