from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.synthetic.person import Cloth, Person, draw_person
from reseen.synthetic.shapes import Point, View
from reseen.synthetic.skeleton import Pose, place_limbs, reach, torso_patch

BONES = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
poses = st.builds(Pose, phase=st.floats(0, 2 * math.pi), swing=st.floats(0, 0.5))
CROWD = [draw_person(np.random.default_rng(seed)) for seed in range(40)]
sides = st.sampled_from((-1, 1))


@given(person=st.sampled_from(CROWD), pose=poses, side=sides)
def test_bones_keep_their_length_while_walking(person: Person, pose: Pose, side: int) -> None:
    walking, standing = place_limbs(person, pose, side), place_limbs(person, Pose(0.0, 0.0), side)
    for upper, lower in BONES:
        length = math.dist(getattr(standing, upper), getattr(standing, lower))
        assert math.dist(getattr(walking, upper), getattr(walking, lower)) == pytest.approx(length)


@given(pose=poses)
def test_half_a_step_later_left_and_right_change_places(make_person: Callable[..., Person], pose: Pose) -> None:
    left = place_limbs(make_person(), pose, 1)
    right = place_limbs(make_person(), Pose(pose.phase + math.pi, pose.swing), -1)
    for joint in {joint for bone in BONES for joint in bone}:
        x, y, z = getattr(right, joint)
        assert getattr(left, joint) == pytest.approx((-x, y, z))


@given(person=st.sampled_from(CROWD), pose=poses, side=sides)
def test_joints_are_in_order_above_the_ground(person: Person, pose: Pose, side: int) -> None:
    limbs = place_limbs(person, pose, side)
    assert 0 < limbs.ankle[1] < limbs.knee[1] < limbs.hip[1] < limbs.shoulder[1] < 1


@given(pose=poses)
def test_arms_swing_against_the_legs(make_person: Callable[..., Person], pose: Pose) -> None:
    limbs = place_limbs(make_person(), pose, 1)
    assert limbs.knee[2] * limbs.elbow[2] <= 0 or limbs.knee[2] < 0.06  # a lifted knee comes forward a little


@pytest.mark.parametrize("kind", ["handbag", "trolley"])
@given(pose=poses)
def test_the_arm_that_holds_a_handle_hangs_still(make_person: Callable[..., Person], kind: str, pose: Pose) -> None:
    person = make_person(bag_kind=kind, bag_side=-1)
    still = place_limbs(person, Pose(0.0, 0.0), -1)
    assert place_limbs(person, pose, -1).wrist == still.wrist


def test_reach_hangs_down_and_swings_forward() -> None:
    hip: Point = (0.1, 0.5, 0.0)
    assert reach(hip, 0.2, 0.0) == pytest.approx((0.1, 0.3, 0.0))
    assert reach(hip, 0.2, math.pi / 2) == pytest.approx((0.1, 0.5, 0.2))
    assert reach(hip, 0.2, 0.0, spread=0.05) == pytest.approx((0.15, 0.3, 0.0))


@pytest.mark.parametrize(("back", "yaw"), [(False, 0.0), (True, math.pi)])
def test_a_torso_patch_is_seen_from_its_own_side_only(
    make_person: Callable[..., Person], back: bool, yaw: float
) -> None:
    corners = [(-0.5, 0.75), (-0.5, 0.65), (0.5, 0.65), (0.5, 0.75)]
    patch = torso_patch(make_person(), corners, Cloth((9, 9, 9)), back=back)
    assert patch.outline(View(yaw, 0.0, 100.0, (0.0, 0.0)))
    assert not patch.outline(View(yaw + math.pi, 0.0, 100.0, (0.0, 0.0)))
