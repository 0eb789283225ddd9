from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import get_args

import pytest

from reseen.recipe.schema import Recipe
from reseen.training.events import EpochDone, Event, Saved, Started, StepDone
from reseen.training.trainer import Trainer

SmallRecipe = Callable[..., Recipe]
MakeTrainer = Callable[..., Trainer]


def test_every_event_is_a_dataclass_of_its_own_shape() -> None:
    kinds = get_args(Event)
    names = {"Started", "StepDone", "EpochDone", "Evaluated", "StoppedEarly", "Saved"}
    assert {kind.__name__ for kind in kinds} == names
    assert all(is_dataclass(kind) for kind in kinds)
    assert len({tuple(field.name for field in fields(kind)) for kind in kinds}) == len(kinds)


def test_one_listener_cannot_change_what_the_next_is_told() -> None:
    event = Saved("latest", "checkpoints/latest.safetensors")
    with pytest.raises(FrozenInstanceError):
        event.name = "best"  # type: ignore[misc]


def test_what_happens_is_told_in_order(make_trainer: MakeTrainer, small_recipe: SmallRecipe) -> None:
    events: list[Event] = []
    make_trainer(small_recipe("training={epochs: 2, save_every: 1}"), listeners=[events.append]).run()
    started, *_ = events
    assert started == Started(epoch=0, iteration=0, epochs=2, images=20, persons=5)
    steps = [event for event in events if isinstance(event, StepDone)]
    first, second = ([step for step in steps if step.epoch == epoch] for epoch in (1, 2))
    for of_epoch in (first, second):
        assert [step.iteration for step in of_epoch] == list(range(1, of_epoch[0].iterations + 1))
    kinds = [type(event).__name__ for event in events if not isinstance(event, StepDone)]
    expected = "Started EpochDone Saved Saved EpochDone Saved Saved Saved Evaluated Saved"
    assert kinds == expected.split()
    names = [event.name for event in events if isinstance(event, Saved)]
    assert names == ["epoch_1", "latest", "epoch_2", "latest", "best", "latest"]
    done = [event for event in events if isinstance(event, EpochDone)]
    for event, of_epoch in zip(done, (first, second), strict=True):
        means = {name: sum(step.losses[name] for step in of_epoch) / len(of_epoch) for name in event.losses}
        assert event.losses.keys() == {"cross_entropy", "triplet", "total"}
        assert event.losses == pytest.approx(means, rel=1e-12)
    assert all(step.images_per_second > 0 for step in steps)
    assert steps[-1].eta_seconds == 0
