from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reseen.errors import RecipeError
from reseen.recipe.yaml_file import dump_yaml, parse_yaml

CountCalls = Callable[[], AbstractContextManager[Any]]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(-(2**63), 2**63)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\x85\u2028\u2029"))
    | st.from_regex(r"[-+]?[0-9_]*\.?[0-9_]*([eE][-+]?[0-9]+)?", fullmatch=True)
)
PLAIN = st.recursive(
    SCALARS, lambda below: st.lists(below) | st.dictionaries(st.text("abc", min_size=1), below), max_leaves=8
)


def refuse(text: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        parse_yaml(text, "own.yaml")
    error = caught.value
    assert error.what.startswith("own.yaml")
    assert all([error.expected, error.got, error.cure])
    return error


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-4", 5e-4),
        ("3.5E-4", 3.5e-4),
        ("-1e3", -1000.0),
        ("2.5", 2.5),
        ("12", 12),
        ("0x10", 16),
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("3x3", "3x3"),
        ("'12'", "12"),
        ('"5e-4"', "5e-4"),
        ("1e", "1e"),
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        ("[1, [a]]", [1, ["a"]]),
        ("{a: {b: 1}, c: []}", {"a": {"b": 1}, "c": []}),
        ("{<<: {a: 1}}", {"<<": {"a": 1}}),
    ],
)
def test_text_becomes_the_value_it_spells(text: str, value: object) -> None:
    parsed = parse_yaml(text, "own.yaml")
    assert parsed == value
    assert type(parsed) is type(value)


@given(PLAIN)
def test_what_is_dumped_reads_back(value: Any) -> None:
    assert parse_yaml(dump_yaml(value), "own.yaml") == value


@given(st.dictionaries(st.text("abc", min_size=1), st.integers() | st.text("abc 1.e-")))
def test_what_is_dumped_is_yaml_to_others_too(value: dict[str, Any]) -> None:
    assert yaml.safe_load(dump_yaml(value)) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{a: &x 1, b: *x}", "aliases are not allowed"),
        ("&a [*a]", "aliases are not allowed"),
        ("!!python/object/apply:os.system ['true']", "tags such as tag:yaml.org,2002:python/object/apply:os.system"),
        ("!!python/name:os.system", "tags such as"),
        ("!!binary aGk=", "tags such as"),
        ("!!set {a, b}", "tags such as"),
        ("!!str 1", "tags such as"),
        ("!own 1", "tags such as"),
        ("{a: 1, b: 2, a: 3}", "'a' is given twice"),
        ("b: {a: 1, 'a': 1}", "'a' is given twice"),
        ("{[a]: 1}", "a key must be a word"),
        ("? {a: 1}\n: 2", "a key must be a word"),
        ("[", "expected the node content"),
        ("a: b: c", "mapping values are not allowed here"),
        ("a\n---\nb", "expected a single document"),
        ("\0", "special characters are not allowed"),
        ("\ud800", "special characters are not allowed"),
        (".inf", "numbers must be finite"),
        ("[-.INF]", "numbers must be finite"),
        (".nan", "numbers must be finite"),
        ("1e999", "numbers must be finite"),
        ("9223372036854775809", "at most 9223372036854775808"),
        ("0x" + "f" * 5000, "numbers must be finite"),
        ("9" * 5000, "digits"),
        ("[" * 5000, "recursion"),
    ],
)
def test_what_is_not_plain_is_refused(text: str, reason: str) -> None:
    assert reason in (refuse(text).got or "")


def test_the_line_at_fault_is_named() -> None:
    assert "line 3" in (refuse("a: 1\nb: 2\na: 3\n").got or "")


def test_aliases_cannot_grow() -> None:
    laughs = "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))
    assert "aliases" in (refuse(laughs).got or "")


def test_long_text_is_refused_before_it_is_read(count_calls: CountCalls) -> None:
    text = "[" + "a," * 5_000_000
    with count_calls() as calls:
        error = refuse(text)
    assert "at most 65,536 characters" in (error.expected or "")
    assert calls.total < 1000


@pytest.mark.parametrize(
    "text",
    [
        lambda size: "[" + "[]," * size + "]",
        lambda size: "".join(f"a{number}: 1\n" for number in range(size)),
        lambda size: "-" * size,
    ],
)
def test_the_work_grows_with_the_text_and_no_faster(text: Callable[[int], str], count_calls: CountCalls) -> None:
    counts = []
    for size in (250, 1000):
        with count_calls() as calls:
            parse_yaml(text(size), "own.yaml")
        counts.append(calls.total)
    assert counts[1] < 6 * counts[0]  # where the work grew with the square, 16


def test_zero_is_a_number_like_others() -> None:
    assert math.copysign(1, parse_yaml("-0.0", "own.yaml")) == -1
