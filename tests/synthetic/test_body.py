from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from jaxtyping import Bool
from PIL import Image

from reseen.synthetic.body import body_shapes
from reseen.synthetic.painter import paint_shapes
from reseen.synthetic.person import Cloth, Person, draw_person
from reseen.synthetic.shapes import View
from reseen.synthetic.skeleton import Pose

PersonMaker = Callable[..., Person]
STANDING = Pose(0.0, 0.0)
SCALE, WIDE, HIGH = 300.0, 400, 340
FRONT, LEFT, BACK = 0.0, math.pi / 2, math.pi
SKY = (255, 255, 255)


def painted(person: Person, yaw: float = FRONT, pose: Pose = STANDING) -> np.ndarray:
    """The person on white, 300 pixels high, feet at row 320."""
    picture = Image.new("RGB", (WIDE, HIGH), SKY)
    view = View(yaw, 0.0, SCALE, (WIDE / 2, 320.0))
    return np.asarray(paint_shapes(picture, body_shapes(person, pose), view, light_from=0.5))


def of_hue(picture: np.ndarray, cloth: Cloth) -> Bool[np.ndarray, "h w"]:
    """Where the picture shows a cloth, whatever the light on it: the share of each channel is that of the cloth."""
    share = picture / np.maximum(picture.sum(axis=2, keepdims=True), 1)
    wanted = np.array(cloth.colour) / sum(cloth.colour)
    like: Bool[np.ndarray, "h w"] = np.abs(share - wanted).max(axis=2) < 0.02
    return np.asarray(like & (picture.sum(axis=2) < 3 * 255))


@pytest.mark.parametrize("seed", range(12))
def test_a_person_fills_the_body_height(seed: int) -> None:
    person = draw_person(np.random.default_rng(seed))
    rows = np.flatnonzero((painted(person) != 255).any(axis=(1, 2)))
    assert rows[0] == pytest.approx(320 - SCALE, abs=12)
    assert rows[-1] == pytest.approx(320, abs=8)


def test_legs_swing_wide_when_seen_from_the_side(make_person: PersonMaker) -> None:
    def stance(yaw: float) -> int:
        below_knee = painted(make_person(), yaw, Pose(math.pi / 2, 0.45))[280:310]
        return int(np.ptp(np.flatnonzero((below_knee != 255).any(axis=(0, 2)))))

    assert stance(LEFT) > 2 * stance(FRONT)


def test_a_stout_person_is_wider_than_a_thin_one(make_person: PersonMaker) -> None:
    thin, stout = (painted(make_person(bulk=bulk)) for bulk in (0.84, 1.28))
    assert (stout != 255).any(axis=2).sum() > 1.2 * (thin != 255).any(axis=2).sum()


@pytest.mark.parametrize(("kind", "more", "fewer"), [("coat", "tee", "tank"), ("hoodie", "tee", "tank")])
def test_tops_differ_in_how_much_they_cover(make_person: PersonMaker, kind: str, more: str, fewer: str) -> None:
    top = make_person().top
    covered = [int(of_hue(painted(make_person(top_kind=k), BACK), top).sum()) for k in (kind, more, fewer)]
    assert covered[0] > 1.1 * covered[1] > 1.1 * 1.03 * covered[2]


def test_trousers_cover_more_leg_than_shorts_and_skirts(make_person: PersonMaker) -> None:
    bare = {
        kind: int(of_hue(painted(make_person(bottom_kind=kind))[200:], make_person().skin).sum())
        for kind in ("trousers", "shorts", "skirt")
    }
    assert bare["trousers"] < 250  # hands only
    assert bare["skirt"] > bare["shorts"] > bare["trousers"] + 1000


def test_an_open_jacket_shows_what_is_under_it_only_from_the_front(make_person: PersonMaker) -> None:
    jacket = make_person(top_kind="jacket")
    assert of_hue(painted(jacket, FRONT), jacket.inner).sum() > 1500
    assert of_hue(painted(jacket, BACK), jacket.inner).sum() == 0


def test_an_emblem_is_on_the_chest(make_person: PersonMaker) -> None:
    person = make_person(emblem=True, top=Cloth((0, 0, 200), accent=(200, 0, 200)))
    assert of_hue(painted(person, FRONT), Cloth((200, 0, 200))).sum() > 300
    assert of_hue(painted(person, BACK), Cloth((200, 0, 200))).sum() == 0


def test_the_face_is_seen_from_the_front_and_the_hair_from_behind(make_person: PersonMaker) -> None:
    head = slice(20, 60)
    front, back = (painted(make_person(), yaw)[head] for yaw in (FRONT, BACK))
    assert of_hue(front, make_person().skin).sum() > 2 * of_hue(back, make_person().skin).sum()
    assert of_hue(back, make_person().hair).sum() > 1.5 * of_hue(front, make_person().hair).sum()


def test_hair_grows_from_bald_to_long(make_person: PersonMaker) -> None:
    amount = [
        int(of_hue(painted(make_person(hair_kind=kind), BACK), make_person().hair).sum())
        for kind in ("bald", "short", "bob", "long")
    ]
    assert amount == sorted(amount)
    assert len(set(amount)) == 4


@pytest.mark.parametrize("hat", ["cap", "beanie"])
def test_a_hat_covers_the_hair(make_person: PersonMaker, hat: str) -> None:
    bare, covered = make_person(), make_person(hat_kind=hat, hat=Cloth((0, 200, 200)))
    assert of_hue(painted(covered), Cloth((0, 200, 200))).sum() > 300
    assert of_hue(painted(covered), bare.hair).sum() < of_hue(painted(bare), bare.hair).sum()


def test_only_who_has_a_bag_carries_one(make_person: PersonMaker) -> None:
    bag = make_person().bag
    assert of_hue(painted(make_person(), LEFT), bag).sum() == 0
    assert of_hue(painted(make_person(bag_kind="messenger"), LEFT), bag).sum() > 500
