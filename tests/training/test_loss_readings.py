from __future__ import annotations

import math

import pytest
import torch

from reseen.training.loss_readings import LossReadings
from reseen.training.processes import ALONE


def losses(total: float) -> dict[str, torch.Tensor]:
    return {"triplet": torch.tensor(total / 3), "total": torch.tensor(total)}


def test_what_is_read_is_every_step_since_the_last_reading_to_the_bit() -> None:
    readings = LossReadings(ALONE, 3)
    for total in (0.1, math.nan, 0.3):
        readings.note(losses(total))
    steps, _ = readings.read()

    assert [step["triplet"] for step in steps] == pytest.approx(
        [torch.tensor(value / 3).item() for value in (0.1, math.nan, 0.3)], rel=0, nan_ok=True
    )
    assert readings.latest == steps[-1] == {"triplet": torch.tensor(0.1).item(), "total": torch.tensor(0.3).item()}
    assert readings.read().steps == []
    assert readings.latest == steps[-1]
    readings.note(losses(7.0))
    assert [step["total"] for step in readings.read().steps] == [7.0]


@pytest.mark.parametrize(
    ("every", "due"), [(1, [0, 1, 2, 3, 4, 5, 6]), (3, [0, 2, 5, 6]), (100, [0, 6])], ids=["every", "third", "seldom"]
)
def test_the_first_and_the_last_and_every_nth_step_are_read(every: int, due: list[int]) -> None:
    readings = LossReadings(ALONE, every)
    read = []
    for iteration in range(7):
        readings.note(losses(1.0))
        if readings.are_due(iteration, 7):
            read.append(iteration)
            readings.read()

    assert read == due


def test_one_process_stops_when_it_is_asked_to() -> None:
    readings = LossReadings(ALONE, 1)

    assert readings.read(stop=True).stop
    readings.note(losses(1.0))
    assert readings.read(stop=True).stop
    readings.note(losses(1.0))
    assert not readings.read().stop


def test_on_the_host_every_step_is_read_and_on_an_accelerator_those_that_are_logged() -> None:
    assert LossReadings.interval(torch.device("cpu"), 20) == 1
    assert LossReadings.interval(torch.device("cuda"), 20) == 20
