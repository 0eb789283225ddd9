"""The images of ranked lists, small and inside the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reseen.evaluation.metrics import Metrics
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.ranked_list import RankedList
from reseen.reports.thumbnail import thumbnail

EACH = 2
"""Lists of the best queries, and as many of the median and of the worst ones."""


@dataclass(frozen=True)
class Picture:
    """One image of a list.

    Attributes:
        image: as a data URI.
        camera: by which it was taken, in words.
        score: that ranked it; empty for the query itself.
        hit: whether it shows the query's person.
        gone: whether its file is no longer there, so that it is grey.
    """

    image: str
    camera: str
    score: str = ""
    hit: bool = False
    gone: bool = False


@dataclass(frozen=True)
class PictureList:
    """A query and what is ranked first for it."""

    title: str
    query: Picture
    matches: tuple[Picture, ...]


def picture_lists(
    retrieval: RetrievalSet,
    metrics: Metrics,
    list_of: Callable[[int], RankedList],
    query_paths: Sequence[Path],
    gallery_paths: Sequence[Path],
    *,
    each: int = EACH,
) -> list[PictureList]:
    """Ranked lists of the best, the median and the worst queries by average precision.

    Args:
        retrieval: what was compared.
        metrics: the figures.
        list_of: the ranked list of a query, by its place.
        query_paths: file of each query, or none at all: then there are no lists.
        gallery_paths: file of each gallery image, without junk.
        each: lists of the best queries, and as many of the median and of the worst ones.
    """
    if not query_paths:
        return []
    order = np.argsort(-metrics.average_precision, kind="stable")
    middle = max(len(order) // 2 - each // 2, 0)
    chosen = {"Best": order[:each], "Median": order[middle : middle + each], "Worst": order[-each:]}
    lists = []
    for kind, places in chosen.items():
        for place in places:
            precision = metrics.average_precision[place]
            title = f"{kind}: average precision {precision:.1%}, first match at rank {metrics.first_rank[place]}"
            query = int(metrics.valid_queries[place])
            camera = camera_in_words(retrieval, int(retrieval.query_cameras[query]))
            matches = _matches(retrieval, list_of(query), gallery_paths)
            lists.append(PictureList(title, picture(query_paths[query], camera), matches))
    return lists


def _matches(retrieval: RetrievalSet, found: RankedList, gallery_paths: Sequence[Path]) -> tuple[Picture, ...]:
    return tuple(
        picture(
            gallery_paths[place],
            camera_in_words(retrieval, int(retrieval.gallery_cameras[place])),
            score_text(score),
            hit=bool(hit),
        )
        for place, score, hit in zip(*found, strict=True)
    )


def picture(path: Path, camera: str, score: str = "", *, hit: bool = False) -> Picture:
    """A file as a picture."""
    return Picture(thumbnail(path), camera, score, hit, not path.is_file())


def gone_in_words(shown: Iterable[Picture]) -> str:
    """That pictures are grey, and why; nothing where all files are there."""
    count = sum(each.gone for each in shown)
    return f"{count} of these images are no longer where they were, and stay grey." if count else ""


def camera_in_words(retrieval: RetrievalSet, code: int) -> str:
    """By which camera; nothing where it is not known."""
    return f"camera {retrieval.camera_name(code)}" if code >= 0 else ""


def score_text(score: np.float32) -> str:
    """A score as pictures show it."""
    return f"{score:z.2f}"
