from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reseen.recipe.former_names import renew
from reseen.recipe.load import dump_recipe, load_recipe


@pytest.mark.parametrize(
    ("former", "now"),
    [
        ({"data": {"hold_out": 0.1, "memory_limit_gb": 1}}, {"data": {"memory_limit_gb": 1, "evaluation_share": 0.1}}),
        ({"data": {"hold_out": 0.1, "evaluation_share": 0.2}}, {"data": {"evaluation_share": 0.1}}),
        ({"training": {"best_on": "held_out"}}, {"training": {"best_on": "calibration_people"}}),
        ({"training": {"best_on": "evaluation"}}, {"training": {"best_on": "evaluation"}}),
        (
            {"data": None, "training": ["held_out"], "losses": []},
            {"data": None, "training": ["held_out"], "losses": []},
        ),
    ],
)
def test_settings_are_read_by_their_former_names(former: dict[str, Any], now: dict[str, Any]) -> None:
    assert renew(former) == now
    assert renew(now) == now


def test_what_is_given_stays_as_it_is() -> None:
    tree = {"data": {"hold_out": 0.1}}
    renew(tree)
    assert tree == {"data": {"hold_out": 0.1}}


def test_the_recipe_of_the_first_default_model_is_read_and_written_by_today_s_names(repository: Path) -> None:
    path = repository / "weights" / "default" / "recipe.yaml"
    recipe = load_recipe(path)

    assert "hold_out: 0.25" in path.read_text(encoding="utf-8")
    assert (recipe.data.evaluation_share, recipe.training.best_on) == (0.25, "calibration_people")
    assert "hold_out" not in dump_recipe(recipe)
    assert "held_out" not in dump_recipe(recipe)


@pytest.mark.parametrize("change", ["data.hold_out=0.5", "data={hold_out: 0.5}"])
def test_overrides_may_use_them(change: str) -> None:
    assert load_recipe("tiny", [change]).data.evaluation_share == 0.5
    assert load_recipe("tiny", {"data.hold_out": 0.5}).data.evaluation_share == 0.5
    both = ["data.calibration_share=0.2", "training.best_on=held_out"]
    assert load_recipe("tiny", both).training.best_on == "calibration_people"


def test_a_recipe_that_extends_a_former_one_changes_it(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("extends: tiny\ndata: {hold_out: 0.5}\n")
    (tmp_path / "new.yaml").write_text("extends: old.yaml\ndata: {evaluation_share: 0.1}\n")

    assert load_recipe(tmp_path / "new.yaml").data.evaluation_share == 0.1
