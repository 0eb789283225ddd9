"""Several measurements of one stream of scores, which is made once and never held as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

import numpy as np

from reseen.evaluation.metrics import cosine_scores
from reseen.evaluation.protocol import RetrievalSet
from reseen.shapes import Float32, Int64


@runtime_checkable
class Watcher(Protocol):
    """Measures scores that it is shown block by block."""

    def add(self, queries: Int64[np.ndarray, " b"], scores: Float32[np.ndarray, "b g"]) -> None:
        """Take in the scores of some queries (places in the query set) for the whole gallery; leave them unchanged."""


def watched(
    retrieval: RetrievalSet, scores: Iterable[Float32[np.ndarray, "_ g"]] | None, *watchers: Watcher
) -> Iterator[Float32[np.ndarray, "_ g"]]:
    """The same blocks of scores for `evaluate`, each shown to the watchers before it is handed on.

    Args:
        retrieval: the queries and the gallery.
        scores: as `evaluate` takes them; None for cosine similarity.
        watchers: what else is to see them.
    """
    done = 0
    for block in cosine_scores(retrieval) if scores is None else scores:
        queries = retrieval.valid_queries[done : done + len(block)]
        done += len(block)
        for watcher in watchers:
            watcher.add(queries, block[: len(queries)])
        yield block
