"""The images of a folder that are most like a query, without a database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reseen.engines.embedded import reported
from reseen.engines.embedder import Embedder
from reseen.engines.match import Gallery, Match, found
from reseen.errors import UsageError
from reseen.images.source import ImageSource
from reseen.map_ahead import OnProgress
from reseen.scores.nearest import largest
from reseen.shapes import Bool, Float32, Int32

MAX_QUERIES = 1000
MAX_MATCHES = 1000


@dataclass(frozen=True)
class Searched:
    """What was found for one query.

    Attributes:
        query: its path.
        left_out: images of the folder that are the query's own file.
        people: in the folder, at most: as many as were said to be there; else every image counts as a person.
        matches: best first; equal scores in the folder's order.
    """

    query: str
    left_out: tuple[str, ...]
    people: int
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Search:
    """What was found for all queries.

    Attributes:
        queries: in their order.
        images: of the folder, those that could be read.
        broken: why the others were left out, by their names.
    """

    queries: tuple[Searched, ...]
    images: int
    broken: dict[str, str]


def search_folder(
    embedder: Embedder,
    queries: Sequence[ImageSource],
    gallery: Sequence[ImageSource],
    k: int,
    progress: OnProgress | None = None,
    *,
    people: int | None = None,
    rate: float | None = None,
) -> Search:
    """Rank the images of a folder for each query. Memory does not grow with them, but for their names.

    Where it is not said how many people are in the folder, verdicts count every image as one: so many people are the
    most that there can be, and each more makes a false match more likely.

    Args:
        embedder: a loaded bundle.
        queries: image files, at most `MAX_QUERIES`.
        gallery: image files.
        k: entries of each ranked list, at most `MAX_MATCHES`.
        progress: told how many images of the folder are done, and how many there are.
        people: in the folder, at most; None: not known.
        rate: share of strangers' searches that may name somebody (FPIR), 0..1; None: 0.01.

    Raises:
        ImageError: a query cannot be read.
        UsageError: too many queries, or entries; no such rate.
        EngineError: the engine failed.
    """
    if len(queries) > MAX_QUERIES or not 1 <= k <= MAX_MATCHES:
        raise UsageError(
            "too many queries or results",
            expected=f"at most {MAX_QUERIES} queries, and 1 to {MAX_MATCHES} results",
            got=f"{len(queries)} queries, {k} results",
            cure="search for fewer at a time",
        )
    found(embedder.calibration, 0.0, "", Gallery(1, people, rate))  # a wrong rate is refused before the work
    asked = embedder.embed_each(queries)
    for error in asked.broken.values():
        raise error
    own_files = _OwnFiles([each.name for each in queries])
    lists = _Lists(asked.features, k)
    left_out: list[list[str]] = [[] for _ in queries]
    broken: dict[str, str] = {}
    of_queries, of_images = embedder.differences(asked), dict[str, str]()
    for batch in reported(embedder.stream(gallery), len(gallery), progress):
        own = own_files.among(batch.names)
        for query, index in np.argwhere(own):
            left_out[query].append(batch.names[index])
        lists.add(batch.names, batch.features, own)
        of_images |= {batch.names[index]: how for index, how in embedder.differences(batch).items()}
        broken |= {name: error.short for name, error in batch.broken.items()}
    searched = [
        Searched(
            query.name,
            tuple(left_out[index]),
            within.most_people,
            tuple(
                found(embedder.calibration, score, name, within, _unlike(of_queries.get(index), of_images.get(name)))
                for name, score in listed
            ),
        )
        for index, (query, listed) in enumerate(zip(queries, lists.of(), strict=True))
        for within in [Gallery(lists.seen - len(left_out[index]), people, rate)]
    ]
    return Search(tuple(searched), lists.seen, broken)


class _Lists:
    """The first entries of each query's ranked list, of all images seen so far."""

    def __init__(self, wanted: Float32[np.ndarray, "q d"], k: int) -> None:
        self.seen = 0
        self._wanted, self._k = wanted, k
        self._scores: Float32[np.ndarray, "q m"] = np.empty((len(wanted), 0), dtype=np.float32)
        self._names: list[list[str]] = [[] for _ in wanted]

    def add(self, names: Sequence[str], features: Float32[np.ndarray, "n d"], own: Bool[np.ndarray, "q n"]) -> None:
        """See more images; those that are a query's own are kept off its list."""
        self.seen += len(names)
        scores = self._wanted @ features.T
        scores[own] = -np.inf
        both = np.concatenate([self._scores, scores], axis=1)
        if not both.shape[1]:
            return
        first = largest(both, min(self._k, both.shape[1]))
        self._names = [_pick([*kept, *names], places) for kept, places in zip(self._names, first, strict=True)]
        self._scores = np.take_along_axis(both, first, axis=1)

    def of(self) -> list[list[tuple[str, float]]]:
        """Names and scores of each query's list."""
        return [
            [(name, score) for name, score in zip(names, scores.tolist(), strict=True) if np.isfinite(score)]
            for names, scores in zip(self._names, self._scores, strict=True)
        ]


def _pick(names: Sequence[str], places: Int32[np.ndarray, " k"]) -> list[str]:
    return [names[place] for place in places]


def _unlike(query: str | None, image: str | None) -> str | None:
    """How the two images of a match differ from what was calibrated on."""
    if query is not None:
        return f"the query is {query}"
    return None if image is None else f"it is {image}"


class _OwnFiles:
    """Knows the queries' own files again, whatever path or link leads to them."""

    def __init__(self, queries: Sequence[str]) -> None:
        self._count = len(queries)
        self._places: dict[tuple[int, int] | None, list[int]] = {}
        for place, query in enumerate(queries):
            self._places.setdefault(_file(query), []).append(place)
        self._places.pop(None, None)

    def among(self, names: Sequence[str]) -> Bool[np.ndarray, "q n"]:
        """Which of some images are which query's own file."""
        own = np.zeros((self._count, len(names)), dtype=bool)
        for place, name in enumerate(names):
            own[self._places.get(_file(name), []), place] = True
        return own


def _file(path: str) -> tuple[int, int] | None:
    """What tells a file from others on this machine; None where it is gone."""
    try:
        found = os.stat(path)  # noqa: PTH116 - of a million files, without a million objects
    except OSError:
        return None
    return found.st_dev, found.st_ino
