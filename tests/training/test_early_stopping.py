from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from reseen.models.network import ReIDNetwork
from reseen.recipe.schema import EarlyStopping, Recipe
from reseen.training.checkpoint import Progress
from reseen.training.early_stopping import judged, out_of_patience
from reseen.training.events import Evaluated, Event, StoppedEarly
from reseen.training.trainer import Trainer

SmallRecipe = Callable[..., Recipe]
MakeTrainer = Callable[..., Trainer]
EpochOf = Callable[[Path], int]
Figures = Callable[..., Callable[[ReIDNetwork], Mapping[str, float]]]
StopAt = Callable[..., Callable[[Event], None]]
RunUntilStopped = Callable[[Trainer], Progress]


def after(values: list[float], settings: EarlyStopping | None) -> list[Progress]:
    """The progress after each of several evaluations."""
    progress, found = Progress(), []
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
