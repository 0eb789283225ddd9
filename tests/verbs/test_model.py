from __future__ import annotations

from pathlib import Path

import pytest

from reseen.errors import UsageError
from reseen.run_folder import Run
from reseen.verbs.model import run_of, trained_by


def test_a_run_is_known_by_its_recipe(finished_run: Path, small_bundle: Path, tmp_path: Path) -> None:
    assert run_of(finished_run) == run_of(str(finished_run)) == run_of(Run(finished_run)) == Run(finished_run)
    for other in (small_bundle, "default", "tiny", tmp_path, tmp_path / "nowhere", None):
        assert run_of(other) is None


def test_a_run_has_a_recipe_and_weights_of_its_own(finished_run: Path) -> None:
    recipe, weights = trained_by(Run(finished_run), None, None)
    assert (recipe, weights) == (finished_run / "recipe.yaml", finished_run / "checkpoints" / "best.safetensors")
    for others in (("tiny", None), (None, "best")):
        with pytest.raises(UsageError, match="is a run, which has a recipe and weights of its own"):
            trained_by(Run(finished_run), *others)
