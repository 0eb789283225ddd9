"""The images of ranked lists, small and inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from reseen.errors import ImageError
from reseen.evaluation.metrics import Metrics
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.ranked_list import ranked_list
from reseen.images.decode import decode_image

HEIGHT = 160
QUALITY = 82
LENGTH = 10
EACH = 2
"""Lists of the best queries, and as many of the median and of the worst ones."""


@dataclass(frozen=True)
class Picture:
    """One image of a list.

    Attributes:
        image: as a data URI.
        camera: by which it was taken, in words.
        score: its similarity to the query; empty for the query itself.
        hit: whether it shows the query's person.
    """

    image: str
    camera: str
    score: str = ""
    hit: bool = False


@dataclass(frozen=True)
class PictureList:
    """A query and what is most similar to it."""

    title: str
    query: Picture
    matches: tuple[Picture, ...]


def picture_lists(
    retrieval: RetrievalSet, metrics: Metrics, query_paths: Sequence[Path], gallery_paths: Sequence[Path]
) -> list[PictureList]:
    """Ranked lists of the best, the median and the worst queries by average precision.

    Args:
        retrieval: the features.
        metrics: their figures.
        query_paths: file of each query, or none at all: then there are no lists.
        gallery_paths: file of each gallery image, without junk.
    """
    if not query_paths:
        return []
    order = np.argsort(-metrics.average_precision, kind="stable")
    middle = max(len(order) // 2 - EACH // 2, 0)
    chosen = {"Best": order[:EACH], "Median": order[middle : middle + EACH], "Worst": order[-EACH:]}
    lists = []
    for kind, places in chosen.items():
        for place in places:
            precision = metrics.average_precision[place]
            title = f"{kind}: average precision {precision:.1%}, first match at rank {metrics.first_rank[place]}"
            query = int(metrics.valid_queries[place])
            lists.append(_list(retrieval, query, title, query_paths, gallery_paths))
    return lists


def _list(
    retrieval: RetrievalSet, query: int, title: str, query_paths: Sequence[Path], gallery_paths: Sequence[Path]
) -> PictureList:
    places, scores, hits = ranked_list(retrieval, query, LENGTH)
    matches = tuple(
        Picture(
            thumbnail(gallery_paths[place]),
            camera_in_words(retrieval, int(retrieval.gallery_cameras[place])),
            f"{score:.2f}",
            bool(hit),
        )
        for place, score, hit in zip(places, scores, hits, strict=True)
    )
    camera = camera_in_words(retrieval, int(retrieval.query_cameras[query]))
    return PictureList(title, Picture(thumbnail(query_paths[query]), camera), matches)


def camera_in_words(retrieval: RetrievalSet, code: int) -> str:
    """By which camera; nothing where it is not known."""
    return f"camera {retrieval.camera_name(code)}" if code >= 0 else ""


def thumbnail(path: Path) -> str:
    """A small JPEG as a data URI; grey where the file is no longer there."""
    try:
        image = Image.fromarray(decode_image(path))
    except ImageError:
        image = Image.new("RGB", (HEIGHT // 2, HEIGHT), "lightgrey")
    image.thumbnail((HEIGHT, HEIGHT))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
