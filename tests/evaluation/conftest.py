"""The protocol once more, as a plain loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from reseen.evaluation.protocol import RetrievalSet


@dataclass(frozen=True)
class Ranking:
    """What the plain loop finds for one query."""

    average_precision: float
    inverse_negative_penalty: float
    first_rank: int
    last_rank: int


@pytest.fixture(scope="session")
def looped() -> Callable[[RetrievalSet, np.ndarray], dict[int, Ranking]]:
    """Rank the gallery query by query, image by image, as the protocol is told; skipped queries are absent."""

    def rank(retrieval: RetrievalSet, scores: np.ndarray) -> dict[int, Ranking]:
        found = {}
        for query in range(len(retrieval.query_persons)):
            listed = [place for place in range(scores.shape[1]) if not removed(retrieval, query, place)]
            listed.sort(key=lambda place: (-scores[query, place], place))
            person = retrieval.query_persons[query]
            ranks = [rank for rank, place in enumerate(listed, 1) if person == retrieval.gallery_persons[place] > 0]
            if ranks:
                precisions = [nth / rank for nth, rank in enumerate(ranks, 1)]
                found[query] = Ranking(
                    average_precision=sum(precisions) / len(ranks),
                    inverse_negative_penalty=len(ranks) / ranks[-1],
                    first_rank=ranks[0],
                    last_rank=ranks[-1],
                )
        return found

    def removed(retrieval: RetrievalSet, query: int, place: int) -> bool:
        same_person = retrieval.query_persons[query] == retrieval.gallery_persons[place]
        camera = retrieval.query_cameras[query]
        return bool(same_person and camera != -1 and camera == retrieval.gallery_cameras[place])

    return rank
