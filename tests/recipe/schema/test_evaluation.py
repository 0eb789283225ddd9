from __future__ import annotations

from collections.abc import Callable

import pytest

RefuseEach = Callable[..., None]


@pytest.mark.parametrize(
    ("setting", "wrong"),
    [
        ("evaluation.batch_size", ["0", "4097"]),
        ("evaluation.flip", ["2", "left"]),
        ("evaluation.reranking.k1", ["0"]),
        ("evaluation.reranking.k2", ["0"]),
        ("evaluation.reranking.lambda", ["-0.1", "1.1"]),
        ("evaluation.reranking", ["{name: query_expansion, neighbours: 0}", "{name: query_expansion, alpha: -1}"]),
        ("evaluation.memory", ["0", ".inf"]),
    ],
)
def test_wrong_values_are_refused_by_name(refuse_each: RefuseEach, setting: str, wrong: list[str]) -> None:
    refuse_each(setting, wrong)
