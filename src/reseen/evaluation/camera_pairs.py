"""Which cameras find each other: the figures of every pair of a query camera and a gallery camera.

For a pair, the queries of one camera are ranked against the images of the other alone, distractors among them. A query
without a match by that camera does not count for the pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reseen.errors import FeaturesError
from reseen.evaluation.match_ranks import MatchRanks, rank_matches
from reseen.evaluation.protocol import RetrievalSet
from reseen.scores.labels import UNKNOWN_CAMERA
from reseen.scores.matches import SamePerson
from reseen.shapes import Float32, Int64


@dataclass(frozen=True)
class CameraPair:
    """How well the queries of one camera find their persons among the images of another.

    Attributes:
        query_camera: name of the one, or its code where cameras have no names.
        gallery_camera: that of the other.
        queries: how many count.
        recall1: CMC at rank 1.
        mAP: mean of their average precisions.
    """

    query_camera: str
    gallery_camera: str
    queries: int
    recall1: float
    mAP: float  # noqa: N815 - the field writes it so


class CameraPairs:
    """Collects the ranks of a stream of scores camera by camera; see `watched`.

    Raises:
        FeaturesError: no camera is known in the query or in the gallery.
    """

    def __init__(self, retrieval: RetrievalSet) -> None:
        if not retrieval.cameras_known:
            raise FeaturesError(
                "there are no camera pairs",
                expected="query and gallery images whose cameras are known",
                got="no known camera in one of them",
                cure="add a camera column",
            )
        self._retrieval = retrieval
        cameras = np.unique(retrieval.gallery_cameras)
        self._columns = {int(c): np.flatnonzero(retrieval.gallery_cameras == c) for c in cameras if c != UNKNOWN_CAMERA}
        self._found: dict[int, list[tuple[Int64[np.ndarray, " _"], MatchRanks]]] = {c: [] for c in self._columns}

    def add(self, queries: Int64[np.ndarray, " b"], scores: Float32[np.ndarray, "b g"]) -> None:
        """Rank some queries (places in the query set) against the images of each camera.

        Raises:
            FeaturesError: a score is not finite.
        """
        pairs = self._retrieval.same_person(queries)
        known = self._retrieval.query_cameras[queries] != UNKNOWN_CAMERA
        for camera, columns in self._columns.items():
            here = (self._retrieval.gallery_cameras[pairs.gallery] == camera) & known[pairs.queries]
            found = rank_matches(scores[:, columns], _among(pairs, here, columns))
            matched = found.matches > 0
            cameras = self._retrieval.query_cameras[queries[matched]]
            self._found[camera].append((cameras, MatchRanks(found.matches[matched], found.ranks)))

    def figures(self) -> list[CameraPair]:
        """Of all pairs that any query counts for, by query camera, then by gallery camera."""
        pairs = {(query, gallery): pair for gallery in self._columns for query, pair in self._of(gallery).items()}
        return [pairs[codes] for codes in sorted(pairs)]

    def _of(self, gallery_camera: int) -> dict[int, CameraPair]:
        """The pairs with one gallery camera, by the code of the query camera."""
        parts = self._found[gallery_camera]
        if not any(len(cameras) for cameras, _ in parts):
            return {}
        query_cameras = np.concatenate([cameras for cameras, _ in parts])
        ranks = MatchRanks.joined([ranks for _, ranks in parts])
        return {
            int(camera): CameraPair(
                query_camera=self._retrieval.camera_name(int(camera)),
                gallery_camera=self._retrieval.camera_name(gallery_camera),
                queries=int(np.count_nonzero(query_cameras == camera)),
                recall1=float(np.mean(ranks.first_rank[query_cameras == camera] == 1)),
                mAP=float(np.mean(ranks.average_precision[query_cameras == camera])),
            )
            for camera in np.unique(query_cameras)
        }


def _among(pairs: SamePerson, here: np.ndarray, columns: Int64[np.ndarray, " c"]) -> SamePerson:
    """The pairs marked in `here`, with places among `columns`, which hold their gallery images."""
    return SamePerson(
        queries=pairs.queries[here],
        gallery=np.searchsorted(columns, pairs.gallery[here]),
        own_image=pairs.own_image[here],
        excluded=pairs.excluded[here],
    )
