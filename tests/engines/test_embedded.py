from __future__ import annotations

import numpy as np

from reseen.engines.embedded import Embedded, gather, reported
from reseen.errors import ImageError


def batch(*names: str, broken: tuple[str, ...] = ()) -> Embedded:
    features = np.array([[float(ord(name)), 0] for name in names], dtype=np.float32).reshape(-1, 2)
    return Embedded(names, features, {name: ImageError(f"{name} is torn") for name in broken})


def test_it_is_a_list_of_names_with_their_features() -> None:
    embedded = batch("a", "b", broken=("c",))

    assert (len(embedded), embedded.tried) == (2, 3)
    assert [(name, feature.tolist()) for name, feature in embedded] == [("a", [97.0, 0.0]), ("b", [98.0, 0.0])]
    assert repr(embedded) == "Embedded(2 features of 2 numbers, 1 broken)"


def test_progress_is_told_after_each_batch_was_used() -> None:
    told: list[tuple[int, int]] = []
    batches = reported([batch("a"), batch("b", broken=("c",))], 5, lambda *counts: told.append(counts), done=2)

    assert next(batches).names == ("a",)
    assert told == []
    assert next(batches).names == ("b",)
    assert told == [(3, 5)]
    assert list(batches) == []
    assert told == [(3, 5), (5, 5)]


def test_batches_are_gathered_in_their_order() -> None:
    whole = gather([batch("a", broken=("b",)), batch(), batch("c", "d")], images=4, feature_size=2)

    assert whole.names == ("a", "c", "d")
    assert whole.features[:, 0].tolist() == [97, 99, 100]
    assert list(whole.broken) == ["b"]
    assert gather([], images=0, feature_size=2).features.shape == (0, 2)
