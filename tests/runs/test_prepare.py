from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from reseen.datasets.manifest import Manifest
from reseen.errors import DatasetError, RecipeError, UsageError
from reseen.recipe.load import load_recipe
from reseen.recipe.schema import Recipe
from reseen.runs.prepare import prepare

SmallRecipe = Callable[..., Recipe]


def test_names_paths_and_text_become_a_run(people: Manifest, tmp_path: Path) -> None:
    given = {"overrides": ["seed=3"], "device": "cpu", "resume": True}

    with prepare("tiny", str(people.root), str(tmp_path / "run"), **given) as run:  # type: ignore[arg-type]
        assert run.recipe == load_recipe("tiny", ["seed=3"])
        assert (run.manifest.root, len(run.manifest.samples)) == (people.root, len(people.samples))
        assert run.evaluation == (run.manifest,)
        assert (run.output, run.device, run.resume) == (tmp_path / "run", torch.device("cpu"), True)
        assert (run.processes.rank, run.processes.count) == (0, 1)
    assert not (tmp_path / "run").exists()


def test_what_was_read_before_is_taken_as_it_is(people: Manifest, small_recipe: SmallRecipe, tmp_path: Path) -> None:
    with prepare(small_recipe(), people, tmp_path, overrides={"training.epochs": 7}, device="cpu") as run:
        assert run.recipe == small_recipe("training.epochs=7")
        assert run.manifest == people


def test_other_people_are_evaluated_on(people: Manifest, write_people: Callable[..., Path], tmp_path: Path) -> None:
    others = write_people({"a": (9, 9, 9), "b": (99, 9, 9), "c": (9, 99, 9), "d": (9, 9, 99)}, [(64, 32)] * 2)

    with prepare("tiny", [people], tmp_path / "run", eval_data=others, device="cpu") as run:
        assert [each.name for each in run.evaluation] == [others.name]
        assert run.manifest == people


@pytest.mark.parametrize(
    ("given", "error", "what"),
    [
        ({"recipe": "tinny"}, RecipeError, "tinny cannot be read"),
        ({"overrides": {"training.epoch": 3}}, RecipeError, "unknown key training.epoch"),
        ({"data": "nowhere"}, DatasetError, "nowhere does not exist"),
        ({"device": "cuda:99"}, UsageError, "cannot be used here"),
    ],
)
def test_what_cannot_be_used_is_told(
    given: dict[str, object], error: type[UsageError], what: str, people: Manifest, tmp_path: Path
) -> None:
    usual: dict[str, object] = {"recipe": "tiny", "data": people, "output": tmp_path / "run"}

    with pytest.raises(error, match=what), prepare(**(usual | given)):  # type: ignore[arg-type]
        pass
    assert not (tmp_path / "run").exists()
