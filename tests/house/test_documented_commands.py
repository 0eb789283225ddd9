"""Every `reseen …` command in the documents and in the help can be typed as it stands there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from reseen.cli.app import app
from reseen.recipe.load import load_recipe, shipped_recipes

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.html")]
RESEEN = typer.main.get_command(app)


def verbs(command: Any = RESEEN) -> Iterator[Any]:
    """All commands below a command, of typer's own kind."""
    for below in getattr(command, "commands", {}).values():
        yield below
        yield from verbs(below)


def commands(text: str) -> list[str]:
    """Lines of code blocks that run `reseen`."""
    blocks = re.findall(r"^```\w*\n(.*?)^```|<pre>(.*?)</pre>", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in "".join(block).splitlines()]
    return [line for line in lines if line.startswith("reseen ")]


def mentions(text: str) -> list[str]:
    """Code within a sentence that names a verb, perhaps without all that the verb needs."""
    return re.findall(r"(?<!`)`(reseen [^`\n]+)`(?!`)", text)


def examples(verb: Any) -> list[str]:
    """Commands in the help of a verb."""
    return re.findall(r"^Example: (reseen .*)", verb.help or "", re.MULTILINE)


def verb_and_rest(command: str) -> tuple[Any, list[str]]:
    """The verb that a command names, and what follows it."""
    _, *words = shlex.split(command, comments=True)
    verb: Any = RESEEN
    while hasattr(verb, "commands") and words and not words[0].startswith("-"):
        verb = verb.commands[words.pop(0)]
    return verb, words


TEXTS = [document.read_text(encoding="utf-8") for document in DOCUMENTS]
COMMANDS = {command for text in TEXTS for command in commands(text)} | {e for verb in verbs() for e in examples(verb)}
MENTIONS = {mention for text in TEXTS for mention in mentions(text)}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_can_be_typed_as_it_stands_there(command: str) -> None:
    verb, words = verb_and_rest(command)

    with verb.make_context("reseen", words) as context:
        options = context.params
        assert context.args == [], "words that no option and no argument takes"
    if options.get("config") in shipped_recipes():
        assert load_recipe(options["config"], options["override"] or []).losses


@pytest.mark.parametrize("mention", sorted(MENTIONS))
def test_a_mention_names_a_verb_and_options_that_exist(mention: str) -> None:
    verb, words = verb_and_rest(mention)

    known = {spelling for option in verb.params for spelling in option.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_there_are_commands_to_try() -> None:
    assert len(COMMANDS) > 10
    assert len(MENTIONS) > 3
