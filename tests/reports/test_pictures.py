from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reseen.assess.measurements import measure
from reseen.evaluation.metrics import cosine_scores
from reseen.evaluation.protocol import RetrievalSet
from reseen.evaluation.query_expansion import expanded_scores
from reseen.recipe.schema import QueryExpansion, Reranking
from reseen.reports.pictures import picture_lists, score_text

SmallSet = tuple[RetrievalSet, tuple[Path, ...], tuple[Path, ...]]


def colour(image: str) -> int:
    """The red of a picture, which tells the images of the small set apart."""
    data = base64.b64decode(image.removeprefix("data:image/jpeg;base64,"))
    return int(np.asarray(Image.open(io.BytesIO(data)))[..., 0].mean())


@pytest.mark.parametrize("reranking", [None, QueryExpansion(neighbours=2)])
def test_best_median_and_worst_queries_show_their_ranked_lists(
    small_retrieval: SmallSet, reranking: Reranking | None
) -> None:
    retrieval, query_paths, gallery_paths = small_retrieval
    measured = measure(retrieval, reranking)
    metrics = measured.metrics
    lists = picture_lists(retrieval, metrics, measured.lists.of, query_paths, gallery_paths)

    assert [each.title.partition(":")[0] for each in lists] == ["Best"] * 2 + ["Median"] * 2 + ["Worst"] * 2
    last = len(metrics.valid_queries) - 1 - int(np.argmin(metrics.average_precision[::-1]))
    worst = int(metrics.valid_queries[last])
    scores = np.concatenate(
        list(cosine_scores(retrieval) if reranking is None else expanded_scores(retrieval, neighbours=2))
    )[last]
    person, camera = retrieval.query_persons[worst], retrieval.query_cameras[worst]
    own = (retrieval.gallery_persons == person) & (retrieval.gallery_cameras == camera)
    places = [place for place in np.argsort(-scores, kind="stable") if not own[place]][:10]
    shown = lists[-1]
    assert abs(colour(shown.query.image) - worst * 5) <= 3
    assert [match.score for match in shown.matches] == [f"{scores[place]:z.2f}" for place in places]
    assert [match.hit for match in shown.matches] == (retrieval.gallery_persons[places] == person).tolist()
    assert all(abs(colour(m.image) - (13 + p) * 5) <= 3 for m, p in zip(shown.matches, places, strict=True))
    assert shown.matches[0].camera == f"camera {retrieval.gallery_cameras[places[0]]}"


def test_a_score_that_is_all_but_zero_has_no_sign() -> None:
    assert [score_text(np.float32(score)) for score in (-0.004, 0.004, -0.006)] == ["0.00", "0.00", "-0.01"]


def test_a_file_that_is_gone_is_grey_and_no_paths_mean_no_lists(small_retrieval: SmallSet, tmp_path: Path) -> None:
    retrieval, query_paths, gallery_paths = small_retrieval
    measured = measure(retrieval)
    gone = tuple(tmp_path / path.name for path in gallery_paths)

    assert picture_lists(retrieval, measured.metrics, measured.lists.of, (), ()) == []
    lists = picture_lists(retrieval, measured.metrics, measured.lists.of, query_paths, gone, each=1)
    assert len(lists) == 3
    assert {colour(match.image) for each in lists for match in each.matches} == {211}
