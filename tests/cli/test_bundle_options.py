from __future__ import annotations

from typing import Any

import pytest
import typer

from reseen.cli.app import app
from reseen.cli.bundle_options import Precision

COMMANDS: Any = typer.main.get_command(app)


@pytest.mark.parametrize("verb", ["embed", "compare", "search"])
def test_verbs_that_run_a_bundle_have_the_same_options_for_it(verb: str) -> None:
    options = {option.name: (tuple(option.opts), option.default) for option in COMMANDS.commands[verb].params}
    shared = {"bundle", "engine", "precision", "device", "threads"}

    reference = {option.name: (tuple(option.opts), option.default) for option in COMMANDS.commands["embed"].params}
    assert {name: options[name] for name in shared} == {name: reference[name] for name in shared}
    assert all(spelling == (f"--{name}",) for name, (spelling, _) in options.items() if name in shared)


def test_verbs_that_run_a_bundle_take_the_one_that_comes_with_reseen() -> None:
    defaults = {
        verb: option.default
        for verb, command in COMMANDS.commands.items()
        for option in command.params
        if option.name == "bundle"
    }

    assert defaults.keys() == {"bench", "calibrate", "compare", "embed", "evaluate", "search"}
    assert set(defaults.values()) == {None}


def test_precisions_are_spelled_as_in_the_bundle() -> None:
    assert [str(each) for each in Precision] == ["fp32", "fp16", "int8"]
