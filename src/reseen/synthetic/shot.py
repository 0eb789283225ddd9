"""One image: a person somewhere in a camera's scene, cropped the way a detector crops."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from reseen.synthetic.backdrop import cut_background, draw_backdrop
from reseen.synthetic.body import body_shapes
from reseen.synthetic.camera import Camera, expose
from reseen.synthetic.obstacles import place_obstacle
from reseen.synthetic.painter import cast_shadow, paint_shapes
from reseen.synthetic.person import Person, draw_person
from reseen.synthetic.shapes import View
from reseen.synthetic.skeleton import Pose

OVERSAMPLING = 3
"""Scenes are painted this many times larger than the image, and averaged down."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """How often somebody walks behind the person, something stands before them, somebody walks before them."""

    behind: float
    obstacle: float
    before: float


BUSY, QUIET = Traffic(0.25, 0.22, 0.08), Traffic(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Crop:
    """Where the person stands in the crop: height of the body, and middle and lowest point, as shares of the frame."""

    body: float
    middle: float
    foot: float


def detector_crop(rng: np.random.Generator) -> Crop:
    """A usual detection: the whole person, give or take."""
    body = rng.uniform(0.8, 1.02)
    slack = 1 - body
    return Crop(body, rng.normal(0.5, 0.05), 0.97 - slack / 2 + rng.normal(0, 0.025))


def bad_crop(rng: np.random.Generator) -> Crop:
    """A false detection: hardly anything of the person is inside."""
    if rng.random() < 0.5:
        return Crop(rng.uniform(0.7, 1.2), rng.choice([-0.25, 1.25]) + rng.normal(0, 0.08), rng.uniform(0.9, 1.1))
    return Crop(rng.uniform(2.2, 3.4), rng.uniform(0.2, 0.8), rng.uniform(0.7, 2.6))


class Studio:
    """A camera with its scene, ready to take images of one size.

    Args:
        camera: the camera.
        size: width and height of the images, pixels.
        rng: source of the scene.
        traffic: what else there is.
    """

    def __init__(
        self, camera: Camera, size: tuple[int, int], rng: np.random.Generator, traffic: Traffic = BUSY
    ) -> None:
        self.camera = camera
        self.size = size
        self.traffic = traffic
        self._frame = size[0] * OVERSAMPLING, size[1] * OVERSAMPLING
        self._backdrop = draw_backdrop(camera.scene, self._frame, camera.defocus, rng)

    def photograph(self, person: Person, crop: Crop, rng: np.random.Generator) -> Image.Image:
        """An RGB image of the person; `rng` decides the moment, the bystanders, the obstacles and the light."""
        picture = cut_background(self._backdrop, self._frame, rng)
        if rng.random() < self.traffic.behind:
            behind = Crop(rng.uniform(0.45, 0.75), rng.uniform(-0.1, 1.1), rng.uniform(0.72, 0.86))
            picture = self._paint(picture, draw_person(rng), behind, rng)
        picture = self._paint(picture, person, crop, rng)
        if rng.random() < self.traffic.obstacle:
            place_obstacle(picture, rng)
        if rng.random() < self.traffic.before:
            before = Crop(rng.uniform(1.0, 1.2), rng.choice([0.0, 1.0]) + rng.normal(0, 0.05), rng.uniform(1.02, 1.12))
            picture = self._paint(picture, draw_person(rng), before, rng)
        return expose(picture, self.size, self.camera, rng)

    def _paint(self, picture: Image.Image, person: Person, crop: Crop, rng: np.random.Generator) -> Image.Image:
        turned = self.camera.heading + rng.normal(0, 0.5) + (math.pi if rng.random() < 0.2 else 0.0)
        pose = Pose(phase=rng.uniform(0, 2 * math.pi), swing=rng.uniform(0.1, 0.5))
        scale = crop.body * picture.height
        foot = crop.middle * picture.width, crop.foot * picture.height
        cast_shadow(picture, foot, scale, self.camera.light_from)
        view = View(turned, self.camera.pitch, scale, foot)
        return paint_shapes(picture, body_shapes(person, pose), view, self.camera.light_from)
