"""Reading YAML as plain data: bounded, no tags, no aliases, no duplicate keys."""

from __future__ import annotations

import re
from typing import Any

import yaml

from reseen.errors import RecipeError

MAX_BYTES = 1 << 20


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader without aliases (they can grow without bound) and with floats such as `5e-4` read as numbers."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]  # type: ignore[no-untyped-call]
        repeated = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
        if repeated is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {repeated!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


_PlainLoader.add_implicit_resolver(  # type: ignore[no-untyped-call]
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d[\d_]*(\.[\d_]*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def parse_yaml(text: str, source: str) -> Any:
    """The plain value (dict, list, str, int, float, bool, None) that `text` spells.

    Args:
        text: YAML, at most 1 MiB.
        source: where it came from, for the error.

    Raises:
        RecipeError: too long, not YAML, tags, aliases or duplicate keys.
    """
    if len(text) > MAX_BYTES:
        raise RecipeError(f"{source} is too long", expected=f"at most {MAX_BYTES:,} characters", got=f"{len(text):,}")
    try:
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RecipeError(
            f"{source} is not plain YAML", got=" ".join(str(error).split()), cure="mend the line that is named"
        ) from None
