"""Recipes as files, and what is refused about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reseen.errors import RecipeError
from reseen.recipe.load import load_recipe

WriteRecipe = Callable[[str, str], Path]
Refused = Callable[..., RecipeError]


@pytest.fixture
def write_recipe(tmp_path: Path) -> WriteRecipe:
    """Write the text of a recipe at a path below `tmp_path`."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def refused() -> Refused:
    """The error that a recipe with overrides ends in; it says all four things, and is unusable arguments."""

    def refuse(source: str | Path, *overrides: str) -> RecipeError:
        with pytest.raises(RecipeError) as caught:
            load_recipe(source, overrides)
        error = caught.value
        assert error.exit_code == 2
        assert all([error.what, error.expected, error.got, error.cure]), error
        return error

    return refuse
