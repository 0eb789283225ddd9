from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reseen.models.network import ReIDNetwork
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Cosine, EarlyStopping, MultiStep, Recipe, Schedule, Warmup
from reseen.training.checkpoint import TrainState
from reseen.training.events import Evaluated, Event, StoppedEarly
from reseen.training.schedule import judged, learning_rate_factor, out_of_patience
from reseen.training.trainer import Trainer

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


SmallRecipe = Callable[..., Recipe]
MakeTrainer = Callable[..., Trainer]
EpochOf = Callable[[Path], int]
Figures = Callable[..., Callable[[ReIDNetwork], Mapping[str, float]]]
StopAt = Callable[..., Callable[[Event], None]]
RunUntilStopped = Callable[[Trainer], TrainState]


def after(values: list[float], settings: EarlyStopping | None) -> list[TrainState]:
    """The progress after each of several evaluations."""
    progress, found = TrainState(), []
    for epoch, value in enumerate(values, start=1):
        progress = judged(replace(progress, epoch=epoch), value, settings)
        found.append(progress)
    return found


def test_the_best_is_the_highest_and_of_equals_the_earlier() -> None:
    last = after([0.5, 0.7, 0.7, 0.6], None)[-1]

    assert (last.best, last.best_epoch) == (0.7, 2)


@pytest.mark.parametrize(
    ("values", "min_delta", "stalled"),
    [
        ([0.5, 0.4, 0.5, 0.6, 0.6], 0.0, [0, 1, 2, 0, 1]),
        ([0.5, 0.55, 0.59, 0.61, 0.62], 0.1, [0, 1, 2, 0, 1]),  # small gains add up to one that counts
        ([0.0, 0.0, 0.0], 0.0, [0, 1, 2]),
    ],
)
def test_evaluations_that_are_not_better_are_counted(values: list[float], min_delta: float, stalled: list[int]) -> None:
    found = after(values, EarlyStopping(patience=9, min_delta=min_delta))

    assert [each.stalled for each in found] == stalled


def test_a_run_ends_after_as_many_as_its_patience() -> None:
    settings = EarlyStopping(patience=2)

    assert [out_of_patience(each, settings) for each in after([0.5, 0.4, 0.3], settings)] == [False, False, True]


def test_without_early_stopping_a_run_never_ends_by_it() -> None:
    assert not any(out_of_patience(each, None) for each in after([0.5] + [0.1] * 100, None))


def test_the_best_is_the_highest_so_far_and_the_earlier_of_two_equals(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, epoch_of: EpochOf, figures: Figures
) -> None:
    events: list[Event] = []
    recipe = small_recipe("training={epochs: 4, evaluate_every: 1}")
    trainer = make_trainer(recipe, evaluate=figures(0.2, 0.7, 0.7, 0.4), listeners=[events.append])
    progress = trainer.run()
    assert (progress.best, progress.best_epoch) == (0.7, 2)
    assert epoch_of(trainer.checkpoints.folder / "best.safetensors") == 2
    told = [(event.best, event.is_best) for event in events if isinstance(event, Evaluated)]
    assert told == [(0.2, True), (0.7, True), (0.7, False), (0.7, False)]


def test_the_best_is_chosen_by_the_recipes_figure(make_trainer: MakeTrainer, small_recipe: SmallRecipe) -> None:
    trainer = make_trainer(small_recipe("training={epochs: 2, evaluate_every: 1, best: mINP}"))
    assert trainer.run().best == 0.3


def test_the_best_is_chosen_on_calibration_people_when_they_are_to_choose_it(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe
) -> None:
    recipe = small_recipe(
        "data.calibration_share=0.5", "training={epochs: 2, evaluate_every: 1, best: mAP, best_on: calibration_people}"
    )
    others = iter([0.7, 0.6])

    def evaluate(_: ReIDNetwork) -> Mapping[str, float]:
        value = next(others)
        return {"recall1": 0.0, "mAP": 1 - value, "mINP": 0.0, "calibration_people/mAP": value}

    progress = make_trainer(recipe, evaluate=evaluate).run()
    assert (progress.best, progress.best_epoch) == (0.7, 1)


def test_the_best_is_remembered_by_a_resumed_run(
    make_trainer: MakeTrainer,
    small_recipe: SmallRecipe,
    epoch_of: EpochOf,
    figures: Figures,
    stop_at: StopAt,
    run_until_stopped: RunUntilStopped,
) -> None:
    recipe = small_recipe("training.evaluate_every=1")
    run_until_stopped(make_trainer(recipe, evaluate=figures(0.2, 0.9), listeners=[stop_at((3, 1))]))
    resumed = make_trainer(recipe, evaluate=figures(0.5))
    resumed.resume()
    progress = resumed.run()
    assert (progress.best, progress.best_epoch) == (0.9, 2)
    assert epoch_of(resumed.checkpoints.folder / "best.safetensors") == 2


def test_a_run_that_no_longer_gets_better_ends_early_and_stays_ended(
    make_trainer: MakeTrainer, small_recipe: SmallRecipe, figures: Figures
) -> None:
    events: list[Event] = []
    recipe = small_recipe("training={epochs: 9, evaluate_every: 1, early_stopping: {patience: 2}}")
    trainer = make_trainer(recipe, evaluate=figures(0.2, 0.5, 0.5, 0.4), listeners=[events.append])
    progress = trainer.run()

    assert (progress.epoch, progress.best_epoch) == (4, 2)
    assert events[-2] == StoppedEarly(4, 2)
    again = make_trainer(recipe)
    again.resume()
    assert again.run() == progress
    longer = make_trainer(small_recipe("training={epochs: 5, evaluate_every: 1}"))
    longer.resume()
    assert longer.run().epoch == 5


def test_a_resumed_run_remembers_how_long_it_has_not_got_better(
    make_trainer: MakeTrainer,
    small_recipe: SmallRecipe,
    figures: Figures,
    stop_at: StopAt,
    run_until_stopped: RunUntilStopped,
) -> None:
    recipe = small_recipe("training={epochs: 9, evaluate_every: 1, early_stopping: {patience: 2}}")
    run_until_stopped(make_trainer(recipe, evaluate=figures(0.5, 0.4), listeners=[stop_at((3, 1))]))
    resumed = make_trainer(recipe, evaluate=figures(0.3))
    resumed.resume()

    assert resumed.run().epoch == 3
