from __future__ import annotations

from dataclasses import replace

import pytest

from reseen.recipe.schema import EarlyStopping
from reseen.training.checkpoint import Progress
from reseen.training.early_stopping import judged, out_of_patience


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
