from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import get_args

import pytest

from reseen.training.events import Event, Saved


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
