from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float64

from reseen.synthetic.person import Cloth
from reseen.synthetic.shapes import Capsule, Patch, Point, Ring, Solid, View

GREY = Cloth((128, 128, 128))
angles = st.floats(-math.pi, math.pi)
coordinates = st.floats(-1, 1)
points = st.tuples(coordinates, coordinates, coordinates)


def by_matrix(point: Point, yaw: float, pitch: float) -> Float64[np.ndarray, "3"]:
    """Right, up and towards the camera, by the two rotation matrices written out."""
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    turned: Float64[np.ndarray, "3"] = about_x @ about_y @ np.array(point)
    return turned


@given(point=points, yaw=angles, pitch=st.floats(0, 0.6))
def test_a_view_is_two_rotations_and_a_scale(point: Point, yaw: float, pitch: float) -> None:
    right, up, _ = by_matrix(point, yaw, pitch)
    assert View(yaw, pitch, 100.0, (10.0, 20.0)).pixel(point) == pytest.approx((10 + 100 * right, 20 - 100 * up))


def test_the_left_hand_of_somebody_who_faces_the_camera_is_on_the_right_of_the_picture() -> None:
    left_hand = (0.2, 0.5, 0.0)
    assert View(0.0, 0.0, 100.0, (0.0, 0.0)).pixel(left_hand) == (20.0, -50.0)
    assert View(math.pi, 0.0, 100.0, (0.0, 0.0)).pixel(left_hand) == pytest.approx((-20.0, -50.0))


def test_the_nose_is_nearer_than_the_nape_only_from_the_front() -> None:
    nose, nape = (0.0, 0.9, 0.1), (0.0, 0.9, -0.1)
    front, behind = View(0.0, 0.0, 1.0, (0.0, 0.0)), View(math.pi, 0.0, 1.0, (0.0, 0.0))
    assert front.depth(nose) > front.depth(nape)
    assert behind.depth(nose) < behind.depth(nape)


@given(yaw=angles, across=st.floats(0.01, 0.3), deep=st.floats(0.01, 0.3))
def test_the_visible_width_of_an_ellipse_is_the_reach_of_its_rim(yaw: float, across: float, deep: float) -> None:
    turns = np.linspace(0, 2 * math.pi, 2000)
    rim = [by_matrix((across * math.cos(t), 0.0, deep * math.sin(t)), yaw, 0.0)[0] for t in turns]
    assert View(yaw, 0.0, 1.0, (0.0, 0.0)).half_width(across, deep) == pytest.approx(max(rim), rel=1e-4)


@given(start=points, end=points, yaw=angles)
def test_the_outline_of_an_even_capsule_keeps_its_radius_from_the_axis(start: Point, end: Point, yaw: float) -> None:
    view = View(yaw, 0.0, 100.0, (0.0, 0.0))
    a, b = np.array(view.pixel(start)), np.array(view.pixel(end))
    for corner in Capsule(start, 0.05, end, 0.05, GREY).outline(view):
        along = np.dot(corner - a, b - a) / max(float(np.dot(b - a, b - a)), 1e-12)
        nearest = a + np.clip(along, 0, 1) * (b - a)
        assert np.linalg.norm(corner - nearest) == pytest.approx(5.0, abs=1e-6)


def test_a_solid_runs_down_one_side_and_up_the_other() -> None:
    solid = Solid([Ring((0.0, 1.0, 0.0), 0.1, 0.1), Ring((0.0, 0.5, 0.0), 0.2, 0.1)], GREY)
    outline = np.array(solid.outline(View(0.0, 0.0, 100.0, (0.0, 0.0))))
    assert outline == pytest.approx(np.array([(10, -100), (20, -50), (-20, -50), (-10, -100)]))


@given(yaw=angles)
def test_a_patch_on_the_chest_is_seen_exactly_from_the_front(yaw: float) -> None:
    chest = Patch([(-0.1, 0.8, 0.1), (-0.1, 0.7, 0.1), (0.1, 0.7, 0.1), (0.1, 0.8, 0.1)], GREY)
    if abs(math.cos(yaw)) > 1e-6:
        assert bool(chest.outline(View(yaw, 0.0, 100.0, (0.0, 0.0)))) == (math.cos(yaw) > 0)


def test_depth_is_that_of_the_middle_brought_nearer() -> None:
    view = View(0.0, 0.0, 1.0, (0.0, 0.0))
    assert Capsule((0.0, 0.0, 0.1), 0.1, (0.0, 0.0, 0.3), 0.1, GREY, nearer=0.05).depth(view) == pytest.approx(0.25)
    rings = [Ring((0.0, height, 0.2), 0.1, 0.1) for height in (0.9, 0.8, 0.7)]
    assert Solid(rings, GREY, nearer=-0.05).depth(view) == pytest.approx(0.15)
    assert Patch([(0.0, 0.0, 0.5)] * 3, GREY, nearer=0.01).depth(view) == 0.01
