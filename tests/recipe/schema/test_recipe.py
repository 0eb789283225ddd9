from __future__ import annotations

from collections.abc import Callable

import pytest

from reseen.errors import RecipeError
from reseen.recipe.load import load_recipe

Refused = Callable[..., RecipeError]
RefuseEach = Callable[..., None]


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ("seed", ["-1", "9223372036854775808", "1.0", "true", "'1'", "null", "[1]"]),
        ("preprocess.height", ["15", "2049", "128.0"]),
        ("preprocess.mean", ["[0, 0]", "[0, 0, 0, 0]", "0"]),
        ("preprocess.std.1", ["0", "-1"]),
    ],
)
def test_wrong_values_are_refused_by_name(refuse_each: RefuseEach, setting: str, wrong: list[str]) -> None:
    refuse_each(setting, wrong)


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("seed=9223372036854775807", 2**63 - 1),
        ("losses.1.margin=0", 0.0),
        ("losses.1.margin=soft", "soft"),
        ("optimizer.learning_rate=1", 1.0),
        ("schedule.milestones=[]", ()),
        ("augmentation.pad=0", 0),
        ("data.evaluation_share=0", 0.0),
        ("training.ema.decay=0", 0.0),
    ],
)
def test_values_at_the_edge_are_taken(override: str, value: object) -> None:
    found: object = load_recipe("softmax_triplet", [override])
    for step in override.partition("=")[0].split("."):
        found = found[int(step)] if isinstance(found, tuple) else getattr(found, step)
    assert found == value


def test_calibration_people_can_choose_the_best_only_where_there_are_some(refused: Refused) -> None:
    chosen = "training.best_on=calibration_people"
    load_recipe("baseline", ["data.calibration_share=0.1", chosen])
    error = refused("baseline", chosen)
    assert "data.calibration_share above 0" in str(error.expected)


def test_no_loss_and_the_same_loss_twice_are_refused(refused: Refused) -> None:
    for losses in ("[]", "[{name: triplet}, {name: triplet, margin: 0.5}]"):
        error = refused("baseline", f"losses={losses}")
        assert "losses cannot be used" in error.what
        assert error.expected == "at least one loss, and none of them twice"
