from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Cosine, MultiStep, Schedule, Warmup
from reseen.training.schedule import learning_rate_factor

EPOCHS = 120


def rates(name: str) -> list[float]:
    recipe = load_recipe(name)
    factors = [learning_rate_factor(recipe.schedule, epoch, EPOCHS) for epoch in range(EPOCHS)]
    return [recipe.optimizer.learning_rate * factor for factor in factors]


def by_torch(
    build: Callable[..., torch.optim.lr_scheduler.LRScheduler], epochs: int, **settings: object
) -> list[float]:
    """The factors of one of torch's own schedulers."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = build(optimizer, **settings)
    found = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        for _ in range(epochs):
            found.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
    return found


@pytest.mark.parametrize("name", ["softmax_triplet", "softmax_triplet_with_center"])
def test_the_published_rates_with_warm_up(name: str) -> None:
    found = rates(name)
    by_hand = {0: 3.5e-6, 1: 3.815e-5, 5: 1.7675e-4, 9: 3.1535e-4, 10: 3.5e-4, 39: 3.5e-4}
    by_hand |= {40: 3.5e-5, 69: 3.5e-5, 70: 3.5e-6, 119: 3.5e-6}
    assert {epoch: found[epoch] for epoch in by_hand} == pytest.approx(by_hand, rel=1e-12)


def test_the_published_rates_of_the_baseline() -> None:
    by_hand = [3.5e-4] * 40 + [3.5e-5] * 30 + [3.5e-6] * 50
    assert rates("baseline") == pytest.approx(by_hand, rel=1e-12)


@given(
    milestones=st.lists(st.integers(1, 30), max_size=4),
    gamma=st.floats(0.01, 1),
    warmup=st.integers(1, 12),
    start=st.floats(0.001, 1),
)
def test_equals_torch_where_milestones_follow_the_warm_up(
    milestones: list[int], gamma: float, warmup: int, start: float
) -> None:
    after = sorted(milestone for milestone in milestones if milestone >= warmup)
    schedule = MultiStep(milestones=tuple(after), gamma=gamma, warmup=Warmup(epochs=warmup, start_factor=start))
    found = [learning_rate_factor(schedule, epoch, 40) for epoch in range(40)]
    linear = by_torch(torch.optim.lr_scheduler.LinearLR, 40, start_factor=start, total_iters=warmup)
    steps = by_torch(torch.optim.lr_scheduler.MultiStepLR, 40, milestones=after, gamma=gamma)
    assert found == pytest.approx([one * other for one, other in zip(linear, steps, strict=True)], rel=1e-9)


@given(epochs=st.integers(2, 60), end=st.floats(0, 1))
def test_cosine_equals_torch(epochs: int, end: float) -> None:
    found = [learning_rate_factor(Cosine(end_factor=end), epoch, epochs) for epoch in range(epochs)]
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR
    assert found == pytest.approx(by_torch(scheduler, epochs, T_max=epochs - 1, eta_min=end), abs=1e-9)


def test_cosine_after_a_warm_up_goes_from_the_top_to_the_end_factor() -> None:
    schedule = Cosine(end_factor=0.1, warmup=Warmup(epochs=5, start_factor=0.5))
    found = [learning_rate_factor(schedule, epoch, 16) for epoch in range(16)]
    assert found[:6] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert found[10] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 2)) / 2)
    assert found[15] == pytest.approx(0.1)
    assert found[5:] == sorted(found[5:], reverse=True)


def per_step(schedule: Schedule, epochs: int, steps: int) -> list[float]:
    return [
        learning_rate_factor(schedule, epoch, epochs, step, steps) for epoch in range(epochs) for step in range(steps)
    ]


@given(epochs=st.integers(1, 12), steps=st.integers(1, 7), end=st.floats(0, 1))
def test_cosine_per_step_equals_torch_stepped_as_often(epochs: int, steps: int, end: float) -> None:
    total = epochs * steps
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR
    expected = by_torch(scheduler, total, T_max=max(total - 1, 1), eta_min=end)
    assert per_step(Cosine(end_factor=end, per="step"), epochs, steps) == pytest.approx(expected, abs=1e-9)


def test_warm_up_per_step_grows_within_its_epochs_and_milestones_stay_at_theirs() -> None:
    schedule = MultiStep(milestones=(3,), warmup=Warmup(epochs=2, start_factor=0.2), per="step")
    found = per_step(schedule, epochs=4, steps=4)
    assert found[:9] == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert found[9:12] == [1.0] * 3
    assert found[12:] == pytest.approx([0.1] * 4)


@given(st.integers(0, 9), st.integers(0, 4))
def test_per_epoch_the_step_does_not_matter(epoch: int, step: int) -> None:
    schedule = Cosine(warmup=Warmup(epochs=3))
    assert learning_rate_factor(schedule, epoch, 10, step, 5) == learning_rate_factor(schedule, epoch, 10)


SCHEDULES = st.builds(
    MultiStep,
    milestones=st.lists(st.integers(1, 200), max_size=3).map(tuple),
    warmup=st.none() | st.builds(Warmup, epochs=st.integers(1, 200), start_factor=st.floats(0.001, 1)),
) | st.builds(
    Cosine,
    end_factor=st.floats(0, 1),
    warmup=st.none() | st.builds(Warmup, epochs=st.integers(1, 200), start_factor=st.floats(0.001, 1)),
)


@given(SCHEDULES, st.integers(1, 100), st.integers(0, 150))
def test_a_factor_is_never_above_one_nor_negative(schedule: Schedule, epochs: int, epoch: int) -> None:
    assert 0 <= learning_rate_factor(schedule, epoch, epochs) <= 1 + 1e-12
