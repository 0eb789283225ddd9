"""`Camera`: where a camera hangs, what it looks at, and what its sensor makes of the light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from reseen.synthetic.chance import pick

Scene = Literal["street", "park", "hall", "plaza"]
SCENES: tuple[Scene, ...] = ("street", "park", "hall", "plaza")


@dataclass(frozen=True, slots=True)
class Camera:
    """Everything that stays the same about a camera between its images.

    Attributes:
        scene: the kind of place.
        heading: usual turn of the people who pass, radians (0 = they walk towards the camera).
        pitch: how far it looks down, radians.
        light_from: where the light stands in the picture: -1 left .. 1 right.
        gains: exposure of red, green and blue.
        gamma: exponent of the tone curve.
        black: value that black comes out as, 0..255.
        saturation: 0 = grey .. 1 = as it is.
        blur: radius of the lens blur, pixels of the finished image.
        noise: standard deviation of the sensor noise, 0..255.
        detail: share of the resolution that it really has.
        defocus: blur of what lies behind the people, in heights of the image.
        clouds: share of the images in whose moment a cloud is before the sun.
    """

    scene: Scene
    heading: float
    pitch: float
    light_from: float
    gains: tuple[float, float, float]
    gamma: float
    black: float
    saturation: float
    blur: float
    noise: float
    detail: float
    defocus: float
    clouds: float


def draw_camera(rng: np.random.Generator, place: int, cameras: int) -> Camera:
    """Camera number `place` (from 0) of `cameras`: they look from all around, and no two agree about colours."""
    warmth, tint = rng.uniform(-0.2, 0.2), rng.uniform(-0.08, 0.08)
    exposure = rng.uniform(0.72, 1.25)
    return Camera(
        scene=SCENES[place % len(SCENES)],
        heading=2 * math.pi * (place / cameras + rng.uniform(-0.1, 0.1)),
        pitch=rng.uniform(0.08, 0.38),
        light_from=pick(rng, (-1.0, -0.6, 0.6, 1.0)),
        gains=(exposure * (1 + warmth), exposure * (1 + tint), exposure * (1 - warmth)),
        gamma=rng.uniform(0.75, 1.35),
        black=rng.uniform(0, 34),
        saturation=rng.uniform(0.5, 1.0),
        blur=rng.uniform(0.2, 0.8),
        noise=rng.uniform(2.0, 8.0),
        detail=rng.uniform(0.6, 1.0),
        defocus=0.005,
        clouds=0.2,
    )


def place_camera(place: int, cameras: int) -> Camera:
    """Camera number `place` (from 0) of `cameras` around one square: all alike but for where they stand."""
    return Camera(
        scene="plaza",
        heading=2 * math.pi * place / cameras,
        pitch=0.15,
        light_from=pick(np.random.default_rng(place), (-1.0, 1.0)),
        gains=(1.0, 1.0, 1.0),
        gamma=1.0,
        black=10.0,
        saturation=0.9,
        blur=0.3,
        noise=3.0,
        detail=0.9,
        defocus=0.03,
        clouds=0.0,
    )


def expose(scene: Image.Image, size: tuple[int, int], camera: Camera, rng: np.random.Generator) -> Image.Image:
    """The image that the camera takes of a painted scene.

    Args:
        scene: RGB picture, a whole number of times larger than `size`.
        size: width and height of the finished image.
        camera: whose lens and sensor to use.
        rng: source of the passing cloud, the focus and the noise.

    Returns:
        RGB image of the given size.
    """
    image = scene.reduce(scene.width // size[0])
    image = ImageEnhance.Color(image).enhance(camera.saturation)
    cloud = float(rng.uniform(0.8, 1.15)) * (0.65 if rng.random() < camera.clouds else 1.0)
    image = image.point(_tone_curves(camera, cloud))
    detail = camera.detail * float(rng.uniform(0.75, 1.0))
    coarse = max(1, round(size[0] * detail)), max(1, round(size[1] * detail))
    image = image.resize(coarse, Image.Resampling.BILINEAR).resize(size, Image.Resampling.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(camera.blur * float(rng.uniform(0.6, 1.4)) * size[1] / 128))
    noise = rng.standard_normal((size[1], size[0], 3), dtype=np.float32) * np.float32(camera.noise)
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def _tone_curves(camera: Camera, cloud: float) -> list[int]:
    """Look-up table (3 × 256) from scene light to sensor value."""
    light = np.arange(256) / 255
    curves = [np.clip(light * gain * cloud, 0, 1) ** camera.gamma for gain in camera.gains]
    values = camera.black + np.concatenate(curves) * (255 - camera.black)
    return [int(value) for value in np.round(values)]
