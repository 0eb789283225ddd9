from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from reseen.synthetic.camera import SCENES, Camera, draw_camera, expose, place_camera

SIZE = (64, 128)
NEUTRAL = Camera(
    scene="hall", heading=0.0, pitch=0.2, light_from=1.0, gains=(1.0, 1.0, 1.0), gamma=1.0, black=0.0, saturation=1.0,
    blur=0.0, noise=0.0, detail=1.0, defocus=0.0, clouds=0.0,
)  # fmt: skip


def expose_flat(camera: Camera, colour: tuple[int, int, int] = (120, 120, 120), seed: int = 5) -> np.ndarray:
    scene = Image.new("RGB", (SIZE[0] * 3, SIZE[1] * 3), colour)
    return np.asarray(expose(scene, SIZE, camera, np.random.default_rng(seed))).astype(float)


def test_cameras_look_from_all_around_at_different_places() -> None:
    cameras = [draw_camera(np.random.default_rng(place), place, 4) for place in range(4)]
    assert {camera.scene for camera in cameras} == set(SCENES)
    facing = [math.cos(camera.heading) for camera in cameras]
    assert max(facing) > 0.5
    assert min(facing) < -0.5


def test_no_two_cameras_agree_about_colours() -> None:
    cameras = [draw_camera(np.random.default_rng(seed), 0, 4) for seed in range(6)]
    means = [expose_flat(replace(camera, noise=0.0)).mean(axis=(0, 1)) for camera in cameras]
    apart = [np.abs(a - b).max() for i, a in enumerate(means) for b in means[:i]]
    assert np.median(apart) > 20


def test_cameras_around_one_square_differ_by_where_they_stand_alone() -> None:
    cameras = [place_camera(place, 3) for place in range(3)]
    alike = {replace(camera, heading=0.0, light_from=1.0) for camera in cameras}
    assert len(alike) == 1
    assert [round(math.degrees(camera.heading)) for camera in cameras] == [0, 120, 240]
    assert {abs(camera.light_from) for camera in cameras} == {1.0}


def test_a_cloud_darkens_as_many_images_as_it_is_asked_to() -> None:
    grey = [expose_flat(replace(NEUTRAL, clouds=0.3), seed=seed).mean() for seed in range(200)]
    clear = [expose_flat(NEUTRAL, seed=seed).mean() for seed in range(200)]
    darkened = np.mean(np.array(grey) < 0.75 * np.array(clear))
    assert 0.2 < darkened < 0.4


def test_an_exposed_image_has_the_size_asked_for() -> None:
    assert expose_flat(NEUTRAL).shape == (128, 64, 3)


def test_a_neutral_camera_keeps_grey_grey() -> None:
    image = expose_flat(NEUTRAL)
    assert np.ptp(image) == 0


def test_gains_tint_the_image() -> None:
    red, green, blue = expose_flat(replace(NEUTRAL, gains=(1.2, 1.0, 0.8))).mean(axis=(0, 1))
    assert red / green == pytest.approx(1.2, rel=0.03)
    assert blue / green == pytest.approx(0.8, rel=0.03)


def test_black_lifts_the_shadows() -> None:
    assert expose_flat(replace(NEUTRAL, black=30.0), (0, 0, 0)).mean() == 30


def test_without_saturation_colours_are_grey() -> None:
    assert np.ptp(expose_flat(replace(NEUTRAL, saturation=0.0), (200, 20, 90)), axis=2).max() <= 1


def test_noise_has_the_deviation_asked_for() -> None:
    assert expose_flat(replace(NEUTRAL, noise=6.0)).std() == pytest.approx(6.0, rel=0.05)


@pytest.mark.parametrize("change", [{"blur": 2.5}, {"detail": 0.3}])
def test_blur_and_missing_detail_soften_edges(change: dict[str, float]) -> None:
    scene = Image.new("RGB", (SIZE[0] * 3, SIZE[1] * 3))
    scene.paste((255, 255, 255), (0, 0, 96, 384))

    def steepest(camera: Camera) -> float:
        image = np.asarray(expose(scene, SIZE, camera, np.random.default_rng(0))).astype(float)
        return float(np.abs(np.diff(image[64, :, 0])).max())

    assert steepest(replace(NEUTRAL, **change)) < 0.6 * steepest(NEUTRAL)  # type: ignore[arg-type]
