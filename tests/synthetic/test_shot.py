from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reseen.synthetic.camera import Camera, draw_camera
from reseen.synthetic.person import Cloth, Person
from reseen.synthetic.shot import QUIET, Crop, Studio, Traffic, bad_crop, detector_crop

PersonMaker = Callable[..., Person]


def visible_share(crop: Crop) -> float:
    """Share of the body's height, times the share of its width, that lies within a 1:2 frame."""
    top, bottom = crop.foot - crop.body, crop.foot
    tall = max(0.0, min(1.0, bottom) - max(0.0, top)) / crop.body
    half = 0.15 * 2 * crop.body  # half a body's width, as a share of the frame's width
    wide = max(0.0, min(1.0, crop.middle + half) - max(0.0, crop.middle - half)) / (2 * half)
    return tall * wide


@pytest.fixture
def camera() -> Camera:
    return draw_camera(np.random.default_rng(0), 0, 4)


def test_a_detector_shows_nearly_the_whole_person(rng: np.random.Generator) -> None:
    shares = [visible_share(detector_crop(rng)) for _ in range(500)]
    assert min(shares) > 0.8
    assert np.mean(shares) > 0.95


def test_a_false_detection_shows_little_of_a_person(rng: np.random.Generator) -> None:
    shares = [visible_share(bad_crop(rng)) for _ in range(500)]
    assert np.mean(shares) < 0.2
    assert np.mean(np.array(shares) < 0.45) > 0.95


def test_a_photograph_has_the_size_of_the_studio(camera: Camera, make_person: PersonMaker) -> None:
    studio = Studio(camera, (48, 112), np.random.default_rng(0))
    image = studio.photograph(make_person(), Crop(0.9, 0.5, 0.95), np.random.default_rng(0))
    assert image.size == (48, 112)
    assert image.mode == "RGB"


def test_the_same_moment_gives_the_same_photograph(camera: Camera, make_person: PersonMaker) -> None:
    def photograph(moment: int) -> bytes:
        studio = Studio(camera, (64, 128), np.random.default_rng(0))
        return studio.photograph(make_person(), Crop(0.9, 0.5, 0.95), np.random.default_rng(moment)).tobytes()

    assert photograph(1) == photograph(1)
    assert photograph(1) != photograph(2)


def test_traffic_comes_as_often_as_it_is_asked_to(camera: Camera, make_person: PersonMaker) -> None:
    def photograph(traffic: Traffic, moment: int) -> bytes:
        studio = Studio(camera, (64, 128), np.random.default_rng(0), traffic)
        return studio.photograph(make_person(), Crop(0.9, 0.5, 0.95), np.random.default_rng(moment)).tobytes()

    always = Traffic(behind=1.0, obstacle=1.0, before=1.0)
    never = Traffic(behind=0.0, obstacle=0.0, before=0.0)
    assert never == QUIET
    for moment in range(3):
        assert photograph(QUIET, moment) == photograph(never, moment)
        assert photograph(always, moment) != photograph(never, moment)


def test_clothes_show_in_the_middle_of_the_photographs(camera: Camera, make_person: PersonMaker) -> None:
    studio = Studio(camera, (64, 128), np.random.default_rng(0))
    tops = [make_person(top_kind="coat", top=Cloth(colour)) for colour in ((240, 0, 0), (0, 0, 240))]
    red, blue = (
        np.mean(
            [
                np.asarray(studio.photograph(person, Crop(0.9, 0.5, 0.95), np.random.default_rng(moment)))[40:55, 26:38]
                for moment in range(20)
            ],
            axis=(0, 1, 2),
        )
        for person in tops
    )
    assert red[0] - red[2] > 40
    assert blue[2] - blue[0] > 40
