from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from reseen.cli.app import app


def verbs(command: Any) -> Iterator[Any]:
    """The commands below a command, of typer's own kind."""
    for below in getattr(command, "commands", {}).values():
        yield from verbs(below)
    if not hasattr(command, "commands"):
        yield command


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("config", ("--config", "-c")),
        ("override", ("--override", "-o")),
        ("data", ("--data",)),
        ("device", ("--device",)),
        ("memory", ("--memory",)),
        ("as_json", ("--json",)),
    ],
)
def test_an_option_is_spelled_the_same_in_every_verb_that_has_it(name: str, spelling: tuple[str, ...]) -> None:
    found = defaultdict(list)
    for verb in verbs(typer.main.get_command(app)):
        for option in verb.params:
            if option.name == name:
                found[tuple(option.opts)].append(verb.name)

    assert list(found) == [spelling]
    assert len(found[spelling]) >= 2
