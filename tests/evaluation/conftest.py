"""Retrieval sets for the tests of the evaluation, and the protocol once more as a plain loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from reseen.calibration.calibration_set import CalibrationSet
from reseen.evaluation.protocol import RetrievalSet

Clustered = Callable[..., RetrievalSet]


@dataclass(frozen=True)
class Ranking:
    """What the plain loop finds for one query."""

    average_precision: float
    inverse_negative_penalty: float
    first_rank: int
    last_rank: int


@pytest.fixture(scope="session")
def clustered() -> Clustered:
    """Features scattered around one centre for each person, seen by some cameras, with distractors and junk."""

    def make(
        queries: int = 30,
        gallery: int = 90,
        *,
        persons: int = 10,
        cameras: int = 3,
        width: int = 16,
        noise: float = 0.8,
        seed: int = 0,
    ) -> RetrievalSet:
        draw = np.random.default_rng(seed)
        centres = draw.standard_normal((persons + 2, width))
        query_persons = draw.integers(1, persons + 1, queries)
        gallery_persons = draw.integers(-1, persons + 1, gallery)
        return RetrievalSet.of(
            query_features=centres[query_persons] + noise * draw.standard_normal((queries, width)),
            gallery_features=centres[gallery_persons] + noise * draw.standard_normal((gallery, width)),
            query_persons=query_persons,
            gallery_persons=gallery_persons,
            query_cameras=draw.integers(0, cameras, queries),
            gallery_cameras=draw.integers(0, cameras, gallery),
        )

    return make


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


@pytest.fixture(scope="session")
def drawn_people() -> Callable[..., CalibrationSet]:
    """Held-out people scattered around a centre each; some people are alike, and some images are harder than others."""

    def make(
        people: int = 60, images: int = 6, *, cameras: int = 3, width: int = 24, noise: float = 0.9, seed: int = 0
    ) -> CalibrationSet:
        draw = np.random.default_rng(seed)
        # Centres gather around a few looks: a stranger with a common look is found more often than another.
        looks = np.random.default_rng(99).standard_normal((12, width))
        centres = looks[draw.integers(0, len(looks), people)] * draw.uniform(0, 0.9, (people, 1))
        centres += draw.standard_normal((people, width))
        persons = np.repeat(np.arange(people), images)
        hardness = noise * draw.uniform(0.5, 1.5, (len(persons), 1))
        features = centres[persons] + hardness * draw.standard_normal((len(persons), width))
        return CalibrationSet.of("drawn", features, persons + 1, draw.integers(0, cameras, len(persons)))

    return make
