"""Multi-query: all query images of a person by one camera search together, with the mean of their features.

Source: Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015, section 5 (average pooling). There
the further images of a query come with the dataset; here they are those that the query set holds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reseen.evaluation.protocol import RetrievalSet
from reseen.scores.labels import DISTRACTOR, UNKNOWN_CAMERA
from reseen.scores.normalise import unit_rows


def multi_query(retrieval: RetrievalSet) -> RetrievalSet:
    """Merge the queries of each person by each camera into one, in the place of the first of them.

    Queries of an unknown camera, distractors and junk stay as they are.

    Raises:
        FeaturesError: the mean of some features has no length.
    """
    count = len(retrieval.query_persons)
    person, camera = retrieval.query_persons, retrieval.query_cameras
    merging = (person > DISTRACTOR) & (camera != UNKNOWN_CAMERA)
    # Each of the others is a group of its own, by its place, which no camera's code can stand for.
    keys = np.stack([np.where(merging, person, -1), np.where(merging, camera, -1 - np.arange(count))], axis=1)
    _, first, group, size = np.unique(keys, axis=0, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    sums = np.zeros((len(first), retrieval.query_features.shape[1]))
    np.add.at(sums, group, retrieval.query_features)
    images = retrieval.query_images
    if images is not None and retrieval.gallery_images is not None:
        # A merged query is none of its images. Those in the gallery are by its own camera, thus left out anyway.
        new = max(images.max(), retrieval.gallery_images.max()) + 1 + np.arange(len(first))
        images = np.where(size > 1, new, images[first])[order]
    return replace(
        retrieval,
        query_features=unit_rows(sums[order], np.ones(len(first), dtype=bool), "merged query"),
        query_persons=person[first[order]],
        query_cameras=camera[first[order]],
        query_images=images,
    )
