"""YAML as plain data: bounded, no tags, no aliases, no duplicate keys."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from reseen.errors import RecipeError

MAX_CHARACTERS = 1 << 16
LARGEST_NUMBER = 2**63
PLAIN = re.compile(r"tag:yaml\.org,2002:(null|bool|int|float)")
"""What an unquoted word may be read as, besides a string; no dates."""


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader for what JSON can hold, without aliases: they can grow without bound."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's own way to configure a loader)
        first: [(tag, pattern) for tag, pattern in resolvers if PLAIN.fullmatch(tag)]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark, tag = event.start_mark, getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", mark)
        if tag is not None:
            raise yaml.composer.ComposerError(None, None, f"tags such as {tag} are not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        value = super().construct_object(node, deep=deep)
        if isinstance(value, int | float) and not abs(value) <= LARGEST_NUMBER:  # nor NaN
            raise yaml.constructor.ConstructorError(
                None, None, f"numbers must be finite and at most {LARGEST_NUMBER}", node.start_mark
            )
        return value


class _PlainDumper(yaml.SafeDumper):
    """SafeDumper that quotes what `_PlainLoader` would not read back as text."""


for _one in (_PlainLoader, _PlainDumper):  # `5e-4` is text in YAML 1.1
    _one.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d[\d_]*(\.[\d_]*)?[eE][-+]?\d+$"), list("-+0123456789")
    )


def parse_yaml(text: str, source: str) -> Any:
    """The plain value (dict, list, str, bool, None, int or finite float) that `text` spells.

    Args:
        text: YAML, at most 65,536 characters.
        source: where it came from, for the error.

    Raises:
        RecipeError: too long, not YAML, tags, aliases, duplicate keys, or numbers beyond ±2⁶³.
    """
    if len(text) > MAX_CHARACTERS:
        raise RecipeError(
            f"{source} is too long",
            expected=f"at most {MAX_CHARACTERS:,} characters",
            got=f"{len(text):,} or more",
            cure="leave out what the extended recipe already sets",
        )
    try:
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RecipeError(
            f"{source} is not plain YAML",
            expected="mappings, lists, text, numbers, true, false and null",
            got=" ".join(str(error).split())[:500],
            cure="correct that line",
        ) from None


def dump_yaml(value: Any) -> str:
    """Text that `parse_yaml` reads back as this plain value, mappings in their order."""
    return yaml.dump(value, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True)
