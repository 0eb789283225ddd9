"""The examples in the docstrings of public names run, and print what they say."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import sys

import pytest

import reseen

LONG = {"calibrate", "evaluate", "export", "train", "Run"}
"""Take a dataset, or minutes: their examples are not run, but held against what may be called."""
EXAMPLES = doctest.DocTestFinder(exclude_empty=True)


def public() -> list[doctest.DocTest]:
    """The examples of all public names and their methods."""
    found = []
    for name in reseen.__all__:
        item = getattr(reseen, name)
        home = sys.modules[item.__module__]
        found += [each for each in EXAMPLES.find(item, name, module=home, globs={}) if each.examples]
    return found


@pytest.mark.parametrize("example", public(), ids=lambda example: example.name)
def test_an_example_prints_what_it_says(example: doctest.DocTest) -> None:
    told: list[str] = []
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=told.append)
    assert results.attempted == len(example.examples)
    assert results.failed == 0, "".join(told)


@pytest.mark.parametrize("name", sorted(set(reseen.__all__) - LONG))
def test_every_public_name_has_an_example_that_runs(name: str) -> None:
    item = getattr(reseen, name)
    base = reseen.ReseenError if isinstance(item, type) and issubclass(item, reseen.ReseenError) else item
    assert ">>>" in str(base.__doc__)


def calls(documented: str, name: str) -> list[ast.Call]:
    """What the lines of code in a docstring call by a public name."""
    lines = re.findall(rf"^ +((?:\w+ = )?reseen\.{name}\(.*)$", inspect.cleandoc(documented), re.MULTILINE)
    nodes = ast.walk(ast.parse("\n".join(lines)))
    return [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == f"reseen.{name}"]


def test_the_example_of_what_takes_long_can_be_called_so() -> None:
    for name in sorted(set(reseen.__all__) & LONG):
        item = getattr(reseen, name)
        shown = calls(item.__doc__, name)
        assert shown, name
        for call in shown:
            inspect.signature(item).bind(*call.args, **{str(each.arg): each.value for each in call.keywords})


def test_calls_are_found_in_a_docstring() -> None:
    """They may be an assignment, or the start of something longer."""
    text = "What it does.\n\n        run = reseen.train(1, b=2)\n        reseen.train(3).result\n\n    Args:"

    assert [ast.unparse(call) for call in calls(text, "train")] == ["reseen.train(1, b=2)", "reseen.train(3)"]
