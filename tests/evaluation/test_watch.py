"""Watchers see every score once, unchanged, and the evaluation none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from reseen.evaluation.metrics import evaluate
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.watch import watched
from reseen.scores import blocks as scored

Clustered = Callable[..., RetrievalSet]


class Keeper:
    """Keeps what it is shown."""

    def __init__(self) -> None:
        self.queries: list[int] = []
        self.rows: list[np.ndarray] = []

    def add(self, queries: np.ndarray, scores: np.ndarray) -> None:
        self.queries.extend(queries.tolist())
        self.rows.extend(scores.copy())


@pytest.mark.parametrize("given", [False, True], ids=["cosine", "given"])
def test_watchers_see_the_rows_of_all_valid_queries_and_the_figures_stay(
    given: bool, clustered: Clustered, monkeypatch: pytest.MonkeyPatch
) -> None:
    retrieval = clustered(40, 70)
    plain = evaluate(retrieval)
    monkeypatch.setattr(scored, "BLOCK_SCORES", 1000)
    first, second = Keeper(), Keeper()
    cosines = retrieval.query_features[retrieval.valid_queries] @ retrieval.gallery_features.T
    blocks: Iterator[np.ndarray] | None = iter(np.array_split(cosines.copy(), 3)) if given else None

    metrics = evaluate(retrieval, watched(retrieval, blocks, first, second))

    assert metrics.found.ranks.tolist() == plain.found.ranks.tolist()
    for keeper in (first, second):
        assert keeper.queries == retrieval.valid_queries.tolist()
        np.testing.assert_allclose(np.stack(keeper.rows), cosines, atol=1e-6)


def test_rows_without_a_query_reach_the_evaluation_which_refuses_them(clustered: Clustered) -> None:
    retrieval, keeper = clustered(10, 70), Keeper()
    count = len(retrieval.valid_queries)

    with pytest.raises(ValueError, match="rows of scores"):
        evaluate(
            retrieval,
            watched(retrieval, iter([np.zeros((count + 1, len(retrieval.gallery_persons)), np.float32)]), keeper),
        )

    assert len(keeper.rows) == count
