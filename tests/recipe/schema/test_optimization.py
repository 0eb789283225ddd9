from __future__ import annotations

from collections.abc import Callable

import pytest

from reseen.errors import RecipeError

Refused = Callable[..., RecipeError]
RefuseEach = Callable[..., None]


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ("optimizer.learning_rate", ["0", "-1", "'3.5e-4'"]),
        ("optimizer.weight_decay", ["-1"]),
        ("optimizer.amsgrad", ["1"]),
        ("schedule.milestones", ["[0]", "[1.5]", "40"]),
        ("schedule.gamma", ["0", "1.1"]),
        ("schedule.per", ["iteration", "null"]),
        ("schedule.warmup.epochs", ["0"]),
        ("schedule.warmup.start_factor", ["0", "1.1"]),
    ],
)
def test_wrong_values_are_refused_by_name(refuse_each: RefuseEach, setting: str, wrong: list[str]) -> None:
    refuse_each(setting, wrong)


def test_wrong_values_of_other_kinds_are_refused(refuse_each: RefuseEach) -> None:
    refuse_each("optimizer.weight_decay", ["-1"], "optimizer={name: adamw}")
    refuse_each("optimizer.amsgrad", ["true"], "optimizer={name: adamw}")
    refuse_each("optimizer.momentum", ["1", "-0.1"], "optimizer={name: sgd}")
    refuse_each("schedule.end_factor", ["1.1", "-0.1"], "schedule={name: cosine}")


def test_nesterov_needs_momentum(refused: Refused) -> None:
    assert "optimizer" in refused("baseline", "optimizer={name: sgd, nesterov: true, momentum: 0}").what
