"""The examples in the docstrings of public names run, and print what they say."""

from __future__ import annotations

import doctest
import sys

import pytest

import reseen

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
