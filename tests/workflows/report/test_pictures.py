from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.ranked_list import ranked_list
from reseen.workflows.report.measurements import measure
from reseen.workflows.report.pictures import picture_lists

SmallSet = tuple[RetrievalSet, tuple[Path, ...], tuple[Path, ...]]


def colour(image: str) -> int:
    """The red of a picture, which tells the images of the small set apart."""
    data = base64.b64decode(image.removeprefix("data:image/jpeg;base64,"))
    return int(np.asarray(Image.open(io.BytesIO(data)))[..., 0].mean())


def test_best_median_and_worst_queries_show_their_ranked_lists(small: SmallSet) -> None:
    retrieval, query_paths, gallery_paths = small
    metrics = measure(retrieval).metrics
    lists = picture_lists(retrieval, metrics, query_paths, gallery_paths)

    assert [each.title.partition(":")[0] for each in lists] == ["Best"] * 2 + ["Median"] * 2 + ["Worst"] * 2
    worst = int(metrics.valid_queries[np.argmin(metrics.average_precision[::-1])])
    places, scores, hits = ranked_list(retrieval, worst, 10)
    shown = next(each for each in lists if abs(colour(each.query.image) - worst * 5) <= 3)
    assert [match.score for match in shown.matches] == [f"{score:.2f}" for score in scores]
    assert [match.hit for match in shown.matches] == hits.tolist()
    assert all(abs(colour(m.image) - (13 + p) * 5) <= 3 for m, p in zip(shown.matches, places, strict=True))
    assert shown.matches[0].camera == f"camera {retrieval.gallery_cameras[places[0]]}"


def test_a_file_that_is_gone_is_grey_and_no_paths_mean_no_lists(small: SmallSet, tmp_path: Path) -> None:
    retrieval, query_paths, gallery_paths = small
    metrics = measure(retrieval).metrics
    gone = tuple(tmp_path / path.name for path in gallery_paths)

    assert picture_lists(retrieval, metrics, (), ()) == []
    assert {colour(m.image) for each in picture_lists(retrieval, metrics, query_paths, gone) for m in each.matches} == {
        211
    }
