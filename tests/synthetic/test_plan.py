from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.errors import UsageError
from reseen.synthetic.plan import IMAGE_LIMIT, LIMITS, Plan

plans = st.builds(
    Plan,
    persons=st.integers(2, 6),
    test_persons=st.integers(2, 6),
    cameras=st.integers(2, 6),
    images_per_camera=st.integers(2, 4),
    distractors=st.integers(0, 7),
    junk=st.integers(0, 7),
)


@given(plan=plans)
def test_a_plan_takes_the_images_it_promises(plan: Plan) -> None:
    shots = list(plan.shots())
    assert len(shots) == plan.images
    counts = Counter(shot.split for shot in shots)
    passes = plan.test_persons * plan.cameras
    assert counts["train"] == plan.persons * plan.cameras * plan.images_per_camera
    assert counts["query"] == passes
    assert counts["gallery"] == passes * (plan.images_per_camera - 1) + plan.distractors + plan.junk


@given(plan=plans)
def test_training_and_test_people_are_different_people(plan: Plan) -> None:
    shots = list(plan.shots())
    train = {(shot.name, shot.person) for shot in shots if shot.split == "train"}
    test = {(shot.name, shot.person) for shot in shots if shot.split != "train"}
    assert not {name for name, _ in train} & {name for name, _ in test}
    assert not {person for _, person in train} & {person for _, person in test}


@given(plan=plans)
def test_every_query_has_a_match_from_another_camera(plan: Plan) -> None:
    shots = list(plan.shots())
    gallery = {(shot.name, shot.camera) for shot in shots if shot.split == "gallery"}
    for query in (shot for shot in shots if shot.split == "query"):
        assert any(name == query.name and camera != query.camera for name, camera in gallery)


@given(plan=plans)
def test_distractors_and_junk_are_people_seen_once(plan: Plan) -> None:
    times = Counter(shot.person for shot in plan.shots())
    extras = [shot for shot in plan.shots() if shot.name in ("0000", "-1")]
    assert Counter(shot.name for shot in extras) == Counter({"0000": plan.distractors, "-1": plan.junk})
    assert all(times[shot.person] == 1 for shot in extras)
    assert all(shot.split == "gallery" for shot in extras)


@pytest.mark.parametrize("field", LIMITS)
def test_a_value_out_of_bounds_is_refused_by_name(field: str) -> None:
    low, high = LIMITS[field]
    for value in (low - 1, high + 1):
        with pytest.raises(UsageError, match=f"{field} is out of bounds") as caught:
            Plan(**{field: value})  # type: ignore[arg-type]
        assert caught.value.got == str(value)
        assert caught.value.cure is not None
        assert caught.value.exit_code == 2


def test_too_many_images_in_all_are_refused() -> None:
    with pytest.raises(UsageError, match="too large") as caught:
        Plan(persons=5000, cameras=6, images_per_camera=50)
    assert caught.value.expected == f"at most {IMAGE_LIMIT} images"


def test_names_fit_the_four_digits_of_market1501() -> None:
    most = Plan(persons=LIMITS["persons"][1], test_persons=LIMITS["test_persons"][1], cameras=2, images_per_camera=2)
    assert max(len(shot.name) for shot in most.shots()) == 4
