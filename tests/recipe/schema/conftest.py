"""One check for every part of the schema: wrong values are refused by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from reseen.errors import RecipeError

Refused = Callable[..., RecipeError]
RefuseEach = Callable[..., None]

FULL = "softmax_triplet_with_center"


@pytest.fixture(scope="session")
def refuse_each(refused: Refused) -> RefuseEach:
    """Each of the values is refused for the setting, after the overrides `kind` that make place for it."""

    def check(setting: str, wrong: Sequence[str], *kind: str) -> None:
        assert wrong
        for value in wrong:
            assert setting in refused(FULL, *kind, f"{setting}={value}").what

    return check
